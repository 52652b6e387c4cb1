"""A hand in a cluster of Ray: an actor on a node, which has worker processes there."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from effbench.api.errors import EffbenchError
from effbench.making.hand import START, Group
from effbench.making.messages import Made, Order, Source
from effbench.making.process import END_SECONDS, Died, Gone
from effbench.making.ray_cluster import Cluster
from effbench.making.remote import Installed, Remote, Settings, installed
from effbench.making.spots import Spot
from effbench.making.watched import Watched
from effbench.text.words import lasting
from effbench.work.progress import Progress

ANSWER_SECONDS = 60.0
"""The longest time in which an actor that lives answers a question."""

PLACE_SECONDS = 60.0
"""The longest time in which a new actor gets its place, and has imported effbench."""

NAMED = Installed("Python", "effbench", "effbench's code")

LONGEST = 300
"""Characters of a message of Ray that are shown."""


@dataclass
class RayHand:
    """An actor at a spot of the cluster; after its death, the next order starts another one."""

    cluster: Cluster
    spot: Spot
    source: Source
    patience: float
    memory: int | None
    progress: Progress

    _actor: Any = None
    _checked: bool = False
    """Whether the actor's node has been checked."""

    def make(self, group: Group, order: Order) -> Made:
        """Let the actor make a step or a piece; see `effbench.making.team.AnyHand`."""
        actor = self.start()
        try:
            ray.get(actor.begin.remote(group, order), timeout=ANSWER_SECONDS)
            return self._awaited(actor)
        except RayError as error:
            self._drop()
            raise Died(f"was lost with its node or its actor: {said_by(error)}") from error
        except Died:
            raise
        except BaseException as error:
            self.end(soft=isinstance(error, KeyboardInterrupt))
            raise

    def _begun(self) -> Any:
        """Return the actor; ask the cluster for one if need be, and do not wait for it."""
        if self._actor is None:
            spot = self.spot
            if spot.node and spot.node not in {node.key for node in self.cluster.nodes()}:
                raise Gone("has lost its node, which has left the cluster of Ray")
            near = spot.node and NodeAffinitySchedulingStrategy(spot.node, soft=True)
            actor = ray.remote(Remote).options(
                num_cpus=spot.cpus, num_gpus=spot.gpus, scheduling_strategy=near or "DEFAULT"
            )
            limits = self.patience, self.memory
            self._actor = actor.remote(
                self.source, spot.device, spot.threads, *limits, Settings.here()
            )
            self._checked = False
        return self._actor

    def start(self) -> Any:
        """Return the actor; start it if there is none, and check what its node has.

        Raises:
            Gone: the cluster has no place for it, or it cannot start there.
            EffbenchError: the node does not see the cache, or has other versions.

        """
        actor = self._begun()
        if self._checked:
            return actor
        try:
            self._check(actor)
        except GetTimeoutError as error:
            self._drop()
            raise Gone(
                f"found no place in the cluster of Ray in {lasting(PLACE_SECONDS)} (its cores "
                "or GPUs are taken, or its node has left)"
            ) from error
        except RayError as error:
            self._drop()
            raise Gone(f"could not start: {said_by(error)}") from error
        except EffbenchError:
            self._drop()
            raise
        self._checked = True
        return actor

    def end(self, *, soft: bool = False) -> None:
        """End the actor; with ``soft``, a training may first save its work."""
        if (actor := self._actor) is not None:
            with suppress(RayError):
                wait = END_SECONDS if soft else 0
                ray.get(actor.end.remote(soft=soft), timeout=ANSWER_SECONDS + wait)
            self._drop()

    def _check(self, actor: Any) -> None:
        with tempfile.NamedTemporaryFile(dir=self.source.cache, prefix=".ray-") as token:
            answer = actor.look.remote(token.name)
            node, theirs, sees = ray.get(answer, timeout=PLACE_SECONDS)
            planned = actor.plan.remote()
        ours = installed()
        for what, here, there in zip(NAMED, ours, theirs, strict=True):
            if here != there:
                raise EffbenchError(
                    f"--ray: node {node} has {what} {there}, and this machine has {here} "
                    "(install the same on all nodes)"
                )
        if not sees:
            raise EffbenchError(
                f"--ray: node {node} does not see the cache {self.source.cache} (give --cache "
                "a folder that all nodes share)"
            )
        if failed := ray.get(planned, timeout=START.seconds + ANSWER_SECONDS):
            raise EffbenchError(f"--ray: the worker process on node {node} {failed}")

    def _awaited(self, actor: Any) -> Made:
        with Watched(self.progress) as watched:
            while True:
                news = ray.get(actor.news.remote(), timeout=ANSWER_SECONDS)
                for event in news.events:
                    watched.take(event)
                if news.died:
                    raise Died(news.died)
                if isinstance(news.made, Made):
                    return news.made

    def _drop(self) -> None:
        actor, self._actor = self._actor, None
        if actor is not None:
            with suppress(RayError):
                ray.kill(actor)


def said_by(error: RayError) -> str:
    """Return a message of Ray as one line."""
    line = " ".join(str(error).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."
