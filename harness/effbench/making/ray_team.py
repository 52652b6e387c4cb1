"""The making of steps in a cluster of Ray: a team of hands that are actors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from effbench.api.errors import EffbenchError
from effbench.making.process import Gone
from effbench.making.ray_cluster import Cluster
from effbench.making.ray_hand import RayHand
from effbench.making.ray_training import RayTraining
from effbench.making.spots import Spot, spots
from effbench.making.team import Team
from effbench.work.step import Step

TRIES = 3
"""The workers that may die at an order before its step fails."""


@dataclass
class RayTeam:
    """A `effbench.work.workbench.Maker` that joins the cluster when the first step is made."""

    cluster: Cluster
    devices: Sequence[str | None]
    """The devices of `spots`."""

    hand: Callable[[Spot], RayHand]
    shards: Callable[[Step], int | None]
    """As `Team` takes it."""

    _team: Team | None = None
    _training: RayTraining | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def at_once(self) -> int:
        """How many steps the cluster can make at the same time."""
        return self._formed().at_once

    def make(
        self, step: Step, sound: Container[str], only: tuple[int, int] | None = None
    ) -> bool:
        """Make a step, or some shards; see `effbench.work.workbench.Maker`."""
        return self._formed().make(step, sound, only)

    def close(self) -> None:
        """End the actors, and a cluster that was started here: sessions want an idle machine.

        The next step starts them again.
        """
        with self._turn:
            if self._team is not None:
                self._team.close()
                self._team = None
            self.cluster.leave()

    def stop(self) -> None:
        """End the actors for good; a training of one worker may first save its work."""
        if self._team is not None:
            self._team.stop()
        if self._training is not None:
            self._training.stop()

    def _formed(self) -> Team:
        with self._turn:
            if self._team is None:
                self.cluster.join()
                hands = self._placed()
                self._training = RayTraining(hands)
                self._team = Team(
                    hands, self.shards, TRIES, self._training.make, hands[0].progress.note
                )
            return self._team

    def _placed(self) -> list[RayHand]:
        """Return the hands that the cluster has places for; check their nodes."""
        hands = [self.hand(spot) for spot in spots(self.cluster.nodes(), self.devices)]
        with ThreadPoolExecutor(len(hands)) as threads:
            placed = [hand for hand in threads.map(_started, hands) if hand]
        if not placed:
            raise EffbenchError("--ray: no worker could start in the cluster, as said above")
        return placed


def _started(hand: RayHand) -> RayHand | None:
    """Return the hand, started; None if it could not start, which the user is told."""
    try:
        hand.start()
    except Gone as gone:
        hand.progress.note(f"--ray: a worker process {gone}")
        return None
    return hand
