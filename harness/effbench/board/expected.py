"""Published scores that a suite expects of its rows, and whether they were met."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from effbench.board.leaderboard import Board

EXACTLY = 1e-12
"""What a sum of floats may add to the difference."""


class Expectation(NamedTuple):
    """A score that a suite expects, and what the row has."""

    measure: str
    dataset: str
    """Or a group of them."""

    published: float
    score: float
    tolerance: float

    @property
    def met(self) -> bool:
        """Whether the score is as near as the suite wants it."""
        return abs(self.score - self.published) <= self.tolerance + EXACTLY

    def __str__(self) -> str:
        """Return what a person reads: figures of what is missed."""
        figures = f"{self.score:.4f} (published {self.published:.4f})"
        return f"{'OK' if self.met else 'FAIL'} {self.measure} {self.dataset} {figures}"

    def facts(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        difference = self.score - self.published
        return {**self._asdict(), "difference": difference, "met": self.met, "said": str(self)}


def expectations(board: Board, number: int) -> list[Expectation]:
    """Return what is expected of a line, of the scores that it has.

    An approximate index is not held to published scores: only the suite's first one is.
    """
    line, expected = board.lines[number], board.collected.suite.expected
    if line.index.partition(" ")[0] not in ("", expected.index):
        return []
    found = []
    for measure, by_row in expected.scores.items():
        for unit, published in by_row.get(line.row, {}).items():
            score = line.score(measure, board.units.get(unit, {unit: 1.0}))
            if score is not None:
                found.append(Expectation(measure, unit, published, score, expected.tolerance))
    return found


def spelled(every: Sequence[Expectation]) -> str:
    """Return those that are missed, and how many are met."""
    said = [str(one) for one in every if not one.met]
    met = len(every) - len(said)
    return "; ".join([*said, f"OK {met}"] if met else said)


def missed(boards: Iterable[Board]) -> Iterator[str]:
    """Yield a line for each row of some boards that misses a score."""
    for board in boards:
        for number, line in enumerate(board.lines):
            failures = [one for one in expectations(board, number) if not one.met]
            if failures:
                yield f"{board.suite} {line.name}: not as expected: {spelled(failures)}"
