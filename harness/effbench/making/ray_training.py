"""Trainings that all workers of a cluster make together, through Ray Train's TorchTrainer."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.queue import Empty, Queue

from effbench.making.messages import Made, Order
from effbench.making.process import Died
from effbench.making.ray_hand import RayHand, said_by
from effbench.making.remote import Settings
from effbench.making.remote_training import Training, fit
from effbench.making.watched import Watched
from effbench.text.words import lasting

LOOK_SECONDS = 1.0
"""The seconds between two looks at the training."""


class RayTraining:
    """Makes trainings with a worker at each spot of the hands; if there are GPUs, on these."""

    def __init__(self, hands: Sequence[RayHand]) -> None:
        gpus = [hand for hand in hands if hand.spot.gpus]
        self._hands = gpus or list(hands)
        self._first = self._hands[0]
        self._task: Any = None

    def make(self, order: Order) -> Made:
        """Make a training; the hands have no actors meanwhile.

        Raises:
            Died: a worker has died, or shows no progress.

        """
        news = Queue(actor_options={"num_cpus": 0})
        try:
            with tempfile.TemporaryDirectory(
                dir=self._first.source.cache, prefix=".ray-", ignore_cleanup_errors=True
            ) as folder:
                training = self._training(order, news, folder)
                self._task = ray.remote(num_cpus=0, max_retries=0)(fit).remote(training)
                return self._awaited(news)
        except RayError as error:
            raise Died(f"was lost in a training: {said_by(error)}") from error
        finally:
            self.stop()
            with suppress(RayError):
                news.shutdown(force=True)

    def stop(self) -> None:
        """End the training, if there is one."""
        task, self._task = self._task, None
        if task is not None:
            with suppress(RayError):
                ray.cancel(task, force=True)

    def _training(self, order: Order, news: Queue, folder: str) -> Training:
        living = {node.key for node in self._first.cluster.nodes()}
        spots = [
            hand.spot for hand in self._hands if hand.spot.node in living or not hand.spot.node
        ]
        if not spots:
            raise Died("has lost its node, which has left the cluster of Ray")
        return Training(
            source=self._first.source,
            order=order,
            device=None if spots[0].gpus else spots[0].device,  # a GPU each, by LOCAL_RANK
            workers=len(spots),
            cpus=min(spot.cpus for spot in spots),
            gpus=spots[0].gpus,
            settings=Settings.here(),
            news=news,
            folder=folder,
        )

    def _awaited(self, news: Queue) -> Made:
        task, moved = self._task, monotonic()
        with Watched(self._first.progress) as watched:
            while True:
                with suppress(Empty):
                    item = news.get(timeout=LOOK_SECONDS)
                    moved = monotonic()
                    if not isinstance(item, Made):
                        watched.take(item)
                        continue
                    if not item.failed:
                        ray.get(task)  # the other workers end too
                    return item
                if ray.wait([task], timeout=0)[0]:
                    ray.get(task)
                    raise Died("ended a training without a word")
                if (still := monotonic() - moved) > self._first.patience:
                    raise Died(
                        f"made no progress for {lasting(still)} in a training (it was ended; "
                        "--patience gives it longer)"
                    )
