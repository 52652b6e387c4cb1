"""Candidates: the lines of a board that may be recommended, and the terms of the user."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from effbench.board.leaderboard import Board
from effbench.board.lines import Line
from effbench.board.marks import UNSTABLE, Mark, time_of
from effbench.board.standings import Standing, standings
from effbench.latency.spans import END_TO_END
from effbench.statistics.figures import Interval


@dataclass(frozen=True)
class Terms:
    """The conditions that the user sets for a row."""

    budget: float | None = None
    """How many ms the row may take, at ``percent`` of ``span``; None for no limit."""

    keep: float | None = None
    """The share of the baseline's score that the row must have; None for no limit."""

    span: str = END_TO_END
    """The span of the time. Rows without it are left out: a retriever has no encoding time."""

    percent: int = 50

    allowed: frozenset[str] = frozenset()
    """Marks that a row may have though they would bar it (`effbench.board.marks.WORDS`)."""

    @property
    def fastest(self) -> bool:
        """Whether the fastest row is wanted: a share is asked for alone. Else the best row."""
        return self.budget is None and self.keep is not None


@dataclass(frozen=True)
class Candidate:
    """A line with a score that may be chosen."""

    number: int
    """The number of the line on the board."""

    line: Line
    standing: Standing
    kept: Interval | None
    """The line's share of the score of `Board.baseline`; 1 for the baseline itself."""

    time: Interval | None
    """The time in ms, at the percentile and the span of the terms."""

    untimed: str
    """Why the line has no time; empty if it has one."""

    marks: Sequence[Mark]
    """The marks of the line; none of them bars it."""

    @property
    def unsure(self) -> list[Mark]:
        """The marks that put the line's time in doubt."""
        return [mark for mark in self.marks if mark.kind == UNSTABLE]

    @property
    def steady(self) -> bool:
        """Whether the line has a time that is not in doubt."""
        return self.time is not None and not self.unsure

    def within(self, terms: Terms) -> bool:
        """Tell whether the line's time is within the budget, whatever its interval."""
        return terms.budget is None or (
            self.time is not None and self.time.value <= terms.budget
        )

    def keeps(self, terms: Terms) -> bool:
        """Tell whether the line has the share of the terms, whatever its interval."""
        return terms.keep is None or (self.kept is not None and self.kept.value >= terms.keep)

    def may_exceed(self, terms: Terms) -> bool:
        """Tell whether the interval of the line's time ends above the budget."""
        high = self.time.high if self.time else None
        return terms.budget is not None and (high is None or high > terms.budget)

    def may_keep_less(self, terms: Terms) -> bool:
        """Tell whether the interval of the line's share begins below the share of the terms."""
        low = self.kept.low if self.kept else None
        return terms.keep is not None and (low is None or low < terms.keep)

    def tied(self, other: Candidate) -> bool:
        """Tell whether no test tells the scores of two lines apart; both must be ranked."""
        mine, theirs = self.standing.beaten_by, other.standing.beaten_by
        if mine is None or theirs is None:
            return False
        return self.number not in theirs and other.number not in mine

    @property
    def by_score(self) -> tuple[float, float]:
        """The key that sorts the best line first."""
        return -self.standing.score.value, self.time.value if self.time else math.inf

    @property
    def by_time(self) -> tuple[float, float]:
        """The key that sorts the fastest line first."""
        score, time = self.by_score
        return time, score

    def by(self, terms: Terms) -> tuple[float, float]:
        """Return the key that sorts the line that is wanted most first."""
        return self.by_time if terms.fastest else self.by_score


def candidates(
    board: Board, terms: Terms, marks: Sequence[Sequence[Mark]]
) -> Iterator[Candidate]:
    """Yield the lines that no mark bars, and that have a score and, for a budget, a time.

    ``marks`` are the marks of each line of the board.
    """
    shares = _shares(board)
    for number, standing in board.standings(board.measures[0]).items():
        time, untimed = time_of(board, number, terms.span, terms.percent)
        if barring(marks[number], terms.allowed) or (terms.budget is not None and not time):
            continue
        line, kept = board.lines[number], shares.get(number)
        yield Candidate(number, line, standing, kept, time, untimed, marks[number])


def barring(marks: Sequence[Mark], allowed: Collection[str]) -> list[Mark]:
    """Return the marks with which a row is not chosen."""
    return [mark for mark in marks if mark.bars(allowed)]


def _shares(board: Board) -> Mapping[int, Interval | None]:
    """Return line number -> the line's share of the score of the baseline's first line.

    This differs from the share in a table, where a line is compared with the baseline through
    the same index. Such a share would mislead here: if an index loses two thirds of the
    quality, a row through this index may still have a share of 100 % in the table.
    """
    baseline, measure = board.baseline, board.measures[0]
    if baseline is None:
        return {}
    by_line = board.standings(measure)
    if any(number != baseline for number in board.baselines):
        same = [baseline] * len(board.lines)
        by_line = standings(board.lines, same, measure, board.weights)
    of_baseline = {baseline: Interval(1.0, 1.0, 1.0)} if baseline in by_line else {}
    return {number: standing.kept for number, standing in by_line.items()} | of_baseline
