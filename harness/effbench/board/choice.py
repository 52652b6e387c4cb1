"""Chooses the row to take: within a latency budget, or keeping a share of the quality."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from effbench.board.leaderboard import Board
from effbench.board.lines import Line
from effbench.board.marks import Bearing, Mark, every_mark, time_of, unplaced
from effbench.board.standings import Standing, standings
from effbench.latency.spans import END_TO_END
from effbench.statistics.figures import Interval


@dataclass(frozen=True)
class Terms:
    """The conditions that the user sets for a row."""

    budget: float | None
    """How many ms the row may take, at ``percent`` of ``span``; None for no limit."""

    keep: float | None
    """The share of the baseline's score that the row must have; None for no limit."""

    span: str = END_TO_END
    """The span of the time. Rows without it are left out: a retriever has no encoding time."""

    percent: int = 50


class Answer(Enum):
    """How sure the recommendation is."""

    SURE = "sure"
    """The row's whole 95 % intervals are within the terms."""

    LIKELY = "likely"
    """The row's figures are within the terms, but not its whole intervals."""

    PROVISIONAL = "provisional"
    """The row's time is marked."""

    UNTIMED = "untimed"
    """Rows keep the share, but no time tells which of them is the fastest."""

    NONE = "none"
    """No row is within the terms."""


@dataclass(frozen=True)
class Candidate:
    """A line that may be taken, at least provisionally."""

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
        return [mark for mark in self.marks if mark.bearing is Bearing.TIME]

    @property
    def steady(self) -> bool:
        """Whether the line has a time that is not in doubt."""
        return self.time is not None and not self.unsure

    def fits(self, terms: Terms) -> bool:
        """Tell whether the line's figures are within the terms, whatever its intervals."""
        if terms.budget is not None and (self.time is None or self.time.value > terms.budget):
            return False
        return self.keeps(terms)

    def keeps(self, terms: Terms) -> bool:
        """Tell whether the line has the share of the terms."""
        return terms.keep is None or (self.kept is not None and self.kept.value >= terms.keep)

    def may_exceed(self, terms: Terms) -> bool:
        """Tell whether the interval of the line's time ends above the budget."""
        high = self.time.high if self.time else None
        return terms.budget is not None and (high is None or high > terms.budget)

    def may_keep_less(self, terms: Terms) -> bool:
        """Tell whether the interval of the line's share begins below the share of the terms."""
        low = self.kept.low if self.kept else None
        return terms.keep is not None and (low is None or low < terms.keep)

    def sort_key(self, terms: Terms) -> tuple[float, float]:
        """Return a key that sorts the best candidate first.

        With a budget the best candidate has the best score, else the shortest time.
        """
        time = self.time.value if self.time else math.inf
        score = -self.standing.score.value
        return (time, score) if terms.budget is None else (score, time)


@dataclass(frozen=True)
class Recommendation:
    """The answer of a board to the user's terms."""

    board: Board
    terms: Terms
    candidates: Sequence[Candidate]
    marks: Sequence[Sequence[Mark]]
    """The marks of each line of the board."""

    @cached_property
    def fitting(self) -> Sequence[Candidate]:
        """The candidates within the terms, those with a sure time first."""
        fitting = [row for row in self.candidates if row.fits(self.terms)]
        return sorted(fitting, key=lambda row: (not row.steady, *row.sort_key(self.terms)))

    @property
    def taken(self) -> Candidate | None:
        """The row to take. Its time is in doubt only if no row with a sure time fits."""
        return next((row for row in self.fitting if row.time), None)

    @property
    def rival(self) -> Candidate | None:
        """The row that we would take instead if its time were not in doubt."""
        best = min(
            (row for row in self.fitting if row.time),
            key=lambda row: row.sort_key(self.terms),
            default=None,
        )
        return best if best is not self.taken else None

    @property
    def answer(self) -> Answer:
        """How sure the recommendation is."""
        taken, terms = self.taken, self.terms
        if taken is None:
            return Answer.UNTIMED if self.fitting else Answer.NONE
        if not taken.steady:
            return Answer.PROVISIONAL
        inside = not (taken.may_exceed(terms) or taken.may_keep_less(terms))
        return Answer.SURE if inside else Answer.LIKELY

    @property
    def listed(self) -> Sequence[Candidate]:
        """The rows that keep the share, if we do not know for sure which is the fastest."""
        unknown = self.answer in (Answer.PROVISIONAL, Answer.UNTIMED)
        return self.fitting if self.terms.budget is None and unknown else []

    @property
    def passed_over(self) -> Sequence[Candidate]:
        """The rows that are left out only for a time in doubt, and are named nowhere else."""
        terms, taken = self.terms, self.taken
        named = {row.number for row in (taken, self.rival, *self.listed) if row}
        best = -math.inf if taken is None else taken.standing.score.value
        return [
            row
            for row in self.candidates
            if row.time and row.unsure and row.number not in named and row.keeps(terms)
            and (terms.budget is None or row.standing.score.value > best)
        ]  # fmt: skip

    @property
    def unmeasured(self) -> list[int]:
        """The numbers of the lines that no mark bars but that have no latency."""
        lacking = self.board.missing
        return [n for n, marks in enumerate(self.marks) if lacking[n] and not _barring(marks)]

    @cached_property
    def left_out(self) -> Mapping[int, str]:
        """Line number -> why the line cannot be taken, in a few words."""
        listed = {row.number for row in self.listed}
        why = unplaced(self.board, self.terms.span, self.terms.percent)
        for number, marks in enumerate(self.marks):
            if (barring := _barring(marks)) and number not in why:
                why[number] = "; ".join(mark.label for mark in barring)
        return {n: words for n, words in sorted(why.items()) if n not in listed}


def choose(board: Board, terms: Terms) -> Recommendation:
    """Return which row of a board to take."""
    marks = [list(every_mark(board, number)) for number in range(len(board.lines))]
    return Recommendation(board, terms, list(_candidates(board, terms, marks)), marks)


def _candidates(
    board: Board, terms: Terms, marks: Sequence[Sequence[Mark]]
) -> Iterator[Candidate]:
    """Yield the lines that no mark bars, and that have a score and, for a budget, a time."""
    shares = _shares(board)
    for number, standing in board.standings(board.measures[0]).items():
        time, untimed = time_of(board, number, terms.span, terms.percent)
        if _barring(marks[number]) or (terms.budget is not None and time is None):
            continue
        line, kept = board.lines[number], shares.get(number)
        yield Candidate(number, line, standing, kept, time, untimed, marks[number])


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


def _barring(marks: Sequence[Mark]) -> list[Mark]:
    """Return the marks with which a row is never chosen."""
    return [mark for mark in marks if mark.bearing is Bearing.BARS]
