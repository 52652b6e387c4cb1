"""Which row to take within a budget of latency, or to keep a share of the quality."""

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
    """What is asked of a row."""

    budget: float | None
    """Milliseconds that it may take, at a percentile of a span."""

    keep: float | None
    """Share of the baseline's score that it must have."""

    span: str = END_TO_END
    """What all rows have; of encoding alone a retriever has none, and is left out."""

    percent: int = 50


class Answer(Enum):
    """How sure it is which row to take."""

    SURE = "sure"
    """Its whole 95 % intervals are within what was asked."""

    LIKELY = "likely"
    """Its figures are; its intervals are not."""

    PROVISIONAL = "provisional"
    """Its time is marked."""

    UNTIMED = "untimed"
    """Rows keep the share, and none has a time that tells which is the fastest."""

    NONE = "none"
    """No row is within what was asked."""


@dataclass(frozen=True)
class Candidate:
    """A row that may be taken, if only provisionally."""

    number: int
    """Of its line on the board."""

    line: Line
    standing: Standing
    kept: Interval | None
    """Its share of the score of `Board.baseline`, whose own is 1."""

    time: Interval | None
    """Milliseconds."""

    untimed: str
    """Why it has no time."""

    marks: Sequence[Mark]
    """None of them bars it."""

    @property
    def unsure(self) -> list[Mark]:
        """Why its time is in doubt."""
        return [mark for mark in self.marks if mark.bearing is Bearing.TIME]

    @property
    def steady(self) -> bool:
        """Tell whether it has a time that is in no doubt."""
        return self.time is not None and not self.unsure

    def fits(self, terms: Terms) -> bool:
        """Tell whether its figures, not its intervals, are within what is asked."""
        if terms.budget is not None and (self.time is None or self.time.value > terms.budget):
            return False
        return self.keeps(terms)

    def keeps(self, terms: Terms) -> bool:
        """Tell whether it has the share that is asked."""
        return terms.keep is None or (self.kept is not None and self.kept.value >= terms.keep)

    def may_exceed(self, terms: Terms) -> bool:
        """Tell whether its interval of time ends above the budget."""
        high = self.time.high if self.time else None
        return terms.budget is not None and (high is None or high > terms.budget)

    def may_keep_less(self, terms: Terms) -> bool:
        """Tell whether its interval of the share begins below what is asked."""
        low = self.kept.low if self.kept else None
        return terms.keep is not None and (low is None or low < terms.keep)

    def place(self, terms: Terms) -> tuple[float, float]:
        """Return what puts the row that is asked for first."""
        time = self.time.value if self.time else math.inf
        score = -self.standing.score.value
        return (time, score) if terms.budget is None else (score, time)


@dataclass(frozen=True)
class Choice:
    """What a board answers to some terms."""

    board: Board
    terms: Terms
    known: Sequence[Candidate]
    marks: Sequence[Sequence[Mark]]
    """Of each line of the board."""

    @cached_property
    def fitting(self) -> Sequence[Candidate]:
        """The rows within what is asked, those with a steady time first."""
        found = [one for one in self.known if one.fits(self.terms)]
        return sorted(found, key=lambda one: (not one.steady, *one.place(self.terms)))

    @property
    def taken(self) -> Candidate | None:
        """The row to take; one whose time is in doubt only where no other one fits."""
        return next((one for one in self.fitting if one.time), None)

    @property
    def rival(self) -> Candidate | None:
        """The row that would be taken were its time not in doubt."""
        best = min(
            (one for one in self.fitting if one.time),
            key=lambda one: one.place(self.terms),
            default=None,
        )
        return best if best is not self.taken else None

    @property
    def answer(self) -> Answer:
        """How sure it is."""
        taken, terms = self.taken, self.terms
        if taken is None:
            return Answer.UNTIMED if self.fitting else Answer.NONE
        if not taken.steady:
            return Answer.PROVISIONAL
        inside = not (taken.may_exceed(terms) or taken.may_keep_less(terms))
        return Answer.SURE if inside else Answer.LIKELY

    @property
    def listed(self) -> Sequence[Candidate]:
        """The rows that keep the share, where it is not known for sure which is the fastest."""
        unknown = self.answer in (Answer.PROVISIONAL, Answer.UNTIMED)
        return self.fitting if self.terms.budget is None and unknown else []

    @property
    def passed_over(self) -> Sequence[Candidate]:
        """The rows that only a time in doubt leaves out, and that are not named elsewhere."""
        terms, taken = self.terms, self.taken
        said = {one.number for one in (taken, self.rival, *self.listed) if one}
        better = -math.inf if taken is None else taken.standing.score.value
        return [
            one
            for one in self.known
            if one.time and one.unsure and one.number not in said and one.keeps(terms)
            and (terms.budget is None or one.standing.score.value > better)
        ]  # fmt: skip

    @property
    def unmeasured(self) -> list[int]:
        """The lines that no mark bars and that lack a latency."""
        lacking = self.board.missing
        return [n for n, own in enumerate(self.marks) if lacking[n] and not _barring(own)]

    @cached_property
    def left_out(self) -> Mapping[int, str]:
        """Why each other row cannot be taken: number of its line -> a few words."""
        listed = {one.number for one in self.listed}
        why = unplaced(self.board, self.terms.span, self.terms.percent)
        for number, marks in enumerate(self.marks):
            if (barring := _barring(marks)) and number not in why:
                why[number] = "; ".join(mark.label for mark in barring)
        return {n: words for n, words in sorted(why.items()) if n not in listed}


def choose(board: Board, terms: Terms) -> Choice:
    """Return which row of a board to take."""
    marks = [list(every_mark(board, number)) for number in range(len(board.lines))]
    return Choice(board, terms, list(_candidates(board, terms, marks)), marks)


def _candidates(
    board: Board, terms: Terms, marks: Sequence[Sequence[Mark]]
) -> Iterator[Candidate]:
    """Yield the rows that no mark bars, and that have all datasets and the time asked for."""
    shares = _shares(board)
    for number, standing in board.standings(board.measures[0]).items():
        time, untimed = time_of(board, number, terms.span, terms.percent)
        if _barring(marks[number]) or (terms.budget is not None and time is None):
            continue
        line, kept = board.lines[number], shares.get(number)
        yield Candidate(number, line, standing, kept, time, untimed, marks[number])


def _shares(board: Board) -> Mapping[int, Interval | None]:
    """Return the share of the baseline's score that each line has: all of that of one line.

    A table sets a row beside the baseline through the row's own index. Who asks for a share of
    the baseline's quality would be answered wrong by that: where an index loses two thirds of
    it, the baseline through that index keeps all of its own.
    """
    baseline, measure = board.baseline, board.measures[0]
    if baseline is None:
        return {}
    found = board.standings(measure)
    if any(number != baseline for number in board.baselines):
        same = [baseline] * len(board.lines)
        found = standings(board.lines, same, measure, board.weights)
    whole = {baseline: Interval(1.0, 1.0, 1.0)} if baseline in found else {}
    return {number: own.kept for number, own in found.items()} | whole


def _barring(marks: Sequence[Mark]) -> list[Mark]:
    return [mark for mark in marks if mark.bearing is Bearing.BARS]
