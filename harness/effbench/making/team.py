"""A team: the devices of a run, and which of them makes a step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.metadata import entry_points
from itertools import pairwise
from typing import Protocol

from effbench.making.hand import Group
from effbench.making.messages import Made, Order
from effbench.making.process import Died, Gone
from effbench.offers.installed import is_ours
from effbench.offers.plugins import GROUP
from effbench.work.failures import Reason, StepFailed
from effbench.work.step import Step, all_steps, in_pieces, key_of, made_together

PIECES = 4
"""The pieces of an encoding for each device: a slow device makes fewer of them."""


class AnyHand(Protocol):
    """A hand: `effbench.making.hand.Hand`, or one on a node of a cluster."""

    def make(self, group: Group, order: Order) -> Made:
        """Let a worker make a step or a piece; raise `Died` if the worker dies."""

    def end(self, *, soft: bool = False) -> None:
        """End the workers; with ``soft``, a training may first save its work."""


class Team:
    """A `Maker` of several hands. A step that has pieces is made by all idle hands.

    ``shards`` returns how many shards a step will have, or None if nobody knows. An order is
    given to at most ``tries`` workers that die; on this machine a dead worker is a failure.
    ``together`` makes a training with all hands at once, which have no worker meanwhile.
    ``tell`` takes a line for the user on a death after which another worker goes on.
    """

    def __init__(
        self,
        hands: Sequence[AnyHand],
        shards: Callable[[Step], int | None],
        tries: int = 1,
        together: Callable[[Order], Made] | None = None,
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.hands, self._shards, self._tries = hands, shards, tries
        self._together, self._gathering, self._tell = together, 0, tell
        self._over = False
        self._change = threading.Condition()
        self._idle = list(range(len(hands)))
        self._left = len(hands)  # without those whose node has left the cluster
        self._open: list[set[str]] = [set() for _ in hands]  # what a hand may have open

    @property
    def at_once(self) -> int:
        """How many steps the team can make at the same time."""
        return len(self.hands)

    def make(
        self, step: Step, sound: Container[str], only: tuple[int, int] | None = None
    ) -> bool:
        """Make a step, or some shards; see `effbench.work.workbench.Maker`."""
        read = [key for key in all_steps(step.inputs) if key in sound]
        order = Order(key_of(step), read, only)
        if len(self.hands) > 1 and in_pieces(step):
            self._make_pieces(step, order)
        return self._obeyed(step, order)

    def close(self) -> None:
        """End the workers, to free their memory; the next step starts them again."""
        for hand in self.hands:
            hand.end()

    def stop(self) -> None:
        """End the workers for good; a training may first save its work."""
        self._over = True
        with ThreadPoolExecutor(len(self.hands)) as threads:
            list(threads.map(lambda hand: hand.end(soft=True), self.hands))

    def _make_pieces(self, step: Step, order: Order) -> None:
        """Have all hands make the shards; after a failure, no further piece is begun."""
        begin, end = order.piece or (0, self._shards(step) or 1)
        count = min(end - begin, PIECES * len(self.hands))
        ends = [begin + (end - begin) * number // count for number in range(count + 1)]
        failures: list[StepFailed] = []

        def make(piece: tuple[int, int]) -> None:
            if not failures:
                try:
                    self._obeyed(step, Order(order.key, order.sound, piece))
                except StepFailed as failure:
                    failures.append(failure)

        with ThreadPoolExecutor(len(self.hands)) as threads:
            try:
                list(threads.map(make, pairwise(ends) if count > 1 else ()))
            except KeyboardInterrupt:
                self.stop()  # else the pool would wait for the pieces
                raise
        if failures:
            raise failures[0]

    def _obeyed(self, step: Step, order: Order) -> bool:
        """Give an order to a hand; return whether finished artifacts are still trusted."""
        made = self._given(step, order)
        if made.failed:
            raise StepFailed(made.failed)
        return not made.distrusted

    def _given(self, step: Step, order: Order) -> Made:
        together = self._together if made_together(step) and self._left > 1 else None
        left = self._tries
        while True:
            try:
                if together:
                    with self._all_hands():
                        return together(order)
                with self._hand(order) as hand:
                    return hand.make(group_of(step), order)
            except Died as error:
                message = f"{step.label}: its worker process {error}"
                left -= not isinstance(error, Gone)  # which is no fault of the order
                if not left or self._ends:
                    raise StepFailed(Reason(step.label, message, None, False)) from error
                self._tell(f"{message} (another worker goes on)")

    @contextmanager
    def _hand(self, order: Order) -> Iterator[AnyHand]:
        """Wait for an idle hand, best the one that has made most of what the order reads."""
        with self._change:
            self._change.wait_for(lambda: (self._idle and not self._gathering) or self._ends)
            if self._ends:
                raise Died("was not started, since the run ends")
            number = max(self._idle, key=lambda n: len(self._open[n].intersection(order.sound)))
            self._idle.remove(number)
        gone = False
        try:
            yield self.hands[number]
            self._open[number].add(order.key)
        except Gone:
            gone = True
            raise
        finally:
            with self._change:
                if gone:
                    self._left -= 1
                else:
                    self._idle.append(number)
                self._change.notify_all()

    @contextmanager
    def _all_hands(self) -> Iterator[None]:
        """Wait until all hands are idle, and end their workers; nobody else gets a hand."""
        with self._change:
            self._gathering += 1
            try:
                self._change.wait_for(lambda: len(self._idle) == self._left or self._ends)
                if self._ends:
                    raise Died("was not started, since the run ends")
                self.close()
                yield
            finally:
                self._gathering -= 1
                self._change.notify_all()

    @property
    def _ends(self) -> bool:
        return self._over or not self._left


def group_of(step: Step) -> Group:
    """Return the plugins of other packages that make a step: they get workers of their own.

    A plugin that patches a library or changes its process changes no row of another plugin.
    """
    return frozenset(offer.plugin for offer in step.offers) - _ours()


@cache
def _ours() -> Group:
    """Return the plugins that effbench itself brings."""
    return frozenset(point.name for point in entry_points(group=GROUP) if is_ours(point))
