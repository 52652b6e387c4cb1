"""Chooses the row to ship: within a latency budget, or keeping a share of the quality.

The page chooses by the same rule, in ``answer.js`` of `effbench.views.page`: a test holds both
to the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from operator import attrgetter

from effbench.board.candidates import Candidate, Terms, barring, candidates
from effbench.board.leaderboard import Board
from effbench.board.marks import UNSTABLE, WORDS, Mark, every_mark, unplaced


class Answer(Enum):
    """How sure the recommendation is."""

    SURE = "sure"
    """The row's whole 95 % intervals are within the terms."""

    LIKELY = "likely"
    """The row's figures are within the terms, but not its whole intervals."""

    PROVISIONAL = "provisional"
    """The row's time is marked, and the user asked for such rows."""

    UNTIMED = "untimed"
    """Rows are within the terms, but no time tells which of them to take."""

    NONE = "none"
    """No row is within the terms."""


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
        """The candidates within the terms, the one that is wanted most first."""
        fitting = [row for row in self.candidates if row.within(self.terms)]
        kept = (row for row in fitting if row.keeps(self.terms))
        return sorted(kept, key=lambda row: row.by(self.terms))

    @property
    def taken(self) -> Candidate | None:
        """The row to take."""
        return next((row for row in self.fitting if row.time), None)

    @property
    def second(self) -> Candidate | None:
        """The row to take if the first one were not there."""
        return next((row for row in self.fitting if row.time and row is not self.taken), None)

    @property
    def faster(self) -> Sequence[Candidate]:
        """The candidates that are faster than the row to take, and as good within noise."""
        taken = self.taken
        if taken is None:
            return []
        faster = (row for row in self.candidates if row.by_time[0] < taken.by_time[0])
        return sorted(filter(taken.tied, faster), key=attrgetter("by_time"))

    @property
    def nearest(self) -> Mapping[str, Candidate]:
        """The rows that come nearest to the terms, by what each of them is."""
        rows = [row for row in self.candidates if row.time] or self.candidates
        both = self.terms.budget is not None and self.terms.keep is not None
        keeping = [row for row in rows if both and row.keeps(self.terms)]
        within = [row for row in rows if both and row.within(self.terms)]
        found = {}
        if keeping:
            found["the fastest that keeps it"] = min(keeping, key=attrgetter("by_time"))
        if within:
            found["the best within it"] = min(within, key=attrgetter("by_score"))
        if not found and rows:
            fastest = not self.terms.fastest  # where the fastest is wanted, none is good enough
            key = attrgetter("by_time" if fastest else "by_score")
            found["the nearest"] = min(rows, key=key)
        return found

    @cached_property
    def were_times_sure(self) -> Recommendation:
        """The answer if rows with a time in doubt were allowed."""
        allowed = self.terms.allowed | {WORDS[UNSTABLE]}
        if allowed == self.terms.allowed:
            return self
        return _chosen(self.board, replace(self.terms, allowed=allowed), self.marks)

    @property
    def rival(self) -> Candidate | None:
        """The row that we would take instead if its time were not in doubt."""
        best = self.were_times_sure.taken
        return best if best and best.unsure and self.were_times_sure is not self else None

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
        return self.fitting if self.terms.fastest and unknown else []

    @property
    def passed_over(self) -> Sequence[Candidate]:
        """The rows that are left out only for a time in doubt, and are named nowhere else."""
        if self.were_times_sure is self:
            return []
        terms, taken, rival = self.terms, self.taken, self.rival
        best = None if taken is None else taken.by(terms)
        return [
            row
            for row in self.were_times_sure.candidates
            if row.time and row.unsure and row.keeps(terms)
            and (rival is None or row.number != rival.number)
            and (best is None or terms.fastest or row.by(terms) < best)
        ]  # fmt: skip

    @property
    def unmeasured(self) -> list[int]:
        """The numbers of the lines that no mark bars but that have no latency."""
        lacking, allowed = self.board.missing, self.terms.allowed
        return [
            n
            for n, marks in enumerate(self.marks)
            if lacking[n] and not barring(marks, allowed)
        ]

    @cached_property
    def left_out(self) -> Mapping[int, str]:
        """Line number -> why the line cannot be taken, in a few words."""
        listed = {row.number for row in self.listed}
        why = unplaced(self.board, self.terms.span, self.terms.percent)
        for number, marks in enumerate(self.marks):
            if (against := barring(marks, self.terms.allowed)) and number not in why:
                why[number] = "; ".join(dict.fromkeys(mark.label for mark in against))
        return {n: words for n, words in sorted(why.items()) if n not in listed}


def choose(board: Board, terms: Terms) -> Recommendation:
    """Return which row of a board to take."""
    marks = [list(every_mark(board, number)) for number in range(len(board.lines))]
    return _chosen(board, terms, marks)


def _chosen(board: Board, terms: Terms, marks: Sequence[Sequence[Mark]]) -> Recommendation:
    return Recommendation(board, terms, list(candidates(board, terms, marks)), marks)
