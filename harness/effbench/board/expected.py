"""Published scores that a suite expects of its rows, and whether the rows reach them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from effbench.board.leaderboard import Board

EXACTLY = 1e-12
"""Rounding may add this much to the difference of two scores."""


class Expectation(NamedTuple):
    """A score that a suite expects of a row, and the row's score."""

    measure: str
    dataset: str
    """A dataset or a group of datasets."""

    published: float
    score: float
    tolerance: float

    @property
    def met(self) -> bool:
        """Whether the score is within the suite's tolerance of the published score."""
        return abs(self.score - self.published) <= self.tolerance + EXACTLY

    def __str__(self) -> str:
        """Return the line for people."""
        figures = f"{self.score:.4f} (published {self.published:.4f})"
        return f"{'OK' if self.met else 'FAIL'} {self.measure} {self.dataset} {figures}"

    def facts(self) -> dict[str, Any]:
        """Return the expectation as JSON data."""
        difference = self.score - self.published
        return {**self._asdict(), "difference": difference, "met": self.met, "said": str(self)}


def expectations(board: Board, number: int) -> list[Expectation]:
    """Return the suite's expectations of a line, for the scores that the line has.

    Only lines through the suite's first index are held to published scores: another index may
    be approximate.
    """
    line, expected = board.lines[number], board.collected.suite.expected
    if line.index.partition(" ")[0] not in ("", expected.index):
        return []
    result = []
    for measure, by_row in expected.scores.items():
        for unit, published in by_row.get(line.row, {}).items():
            score = line.score(measure, board.units.get(unit, {unit: 1.0}))
            if score is not None:
                result.append(Expectation(measure, unit, published, score, expected.tolerance))
    return result


def spelled(every: Sequence[Expectation]) -> str:
    """Return the expectations that are not met, and the number of those that are, as a line."""
    failures = [str(expectation) for expectation in every if not expectation.met]
    met = len(every) - len(failures)
    return "; ".join([*failures, f"OK {met}"] if met else failures)


def missed(boards: Iterable[Board]) -> Iterator[str]:
    """Yield a line of text for each row of the boards that misses a published score."""
    for board in boards:
        for number, line in enumerate(board.lines):
            failures = [score for score in expectations(board, number) if not score.met]
            if failures:
                yield f"{board.suite} {line.name}: not as expected: {spelled(failures)}"
