"""Which row to take within a budget of latency, or to keep a share of the quality."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from effbench.errors import EffbenchError
from effbench.latency import figures
from effbench.latency.figures import Interval
from effbench.latency.spans import ENCODE, END_TO_END
from effbench.leaderboard import Board, Line
from effbench.marks import ranked
from effbench.sentences import share
from effbench.standings import Standing


@dataclass(frozen=True)
class Terms:
    """What is asked of a row."""

    budget: float | None
    """Milliseconds that it may take, at a percentile of a span."""

    keep: float | None
    """Share of the baseline's score that it must have."""

    span: str = ENCODE
    percent: int = 50


@dataclass(frozen=True)
class _Candidate:
    line: Line
    standing: Standing
    time: Interval

    @property
    def kept(self) -> Interval:
        """Its share of the baseline's score; the baseline's is 1."""
        return self.standing.kept or Interval(1.0, 1.0, 1.0)


def milliseconds(text: str) -> float:
    """Return the ms that a text such as 5ms, 800us or 0.2s says.

    Raises:
        EffbenchError: it says none.

    """
    found = re.fullmatch(r"(\d+(?:\.\d*)?)\s*(us|ms|s)?", text.strip())
    if not found or float(found[1]) <= 0:
        raise EffbenchError(f"--budget {text}: not a time (write 5ms, 800us or 0.2s)")
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2] or "ms"]


def recommend(board: Board, terms: Terms) -> list[str]:
    """Return what to take on this machine, how sure that is, and how to have it."""
    where = f"{board.suite} on {board.machine}"
    known = list(_candidates(board, terms))
    if not known:
        return [f"{where}: no row with a score and a latency that may be ranked"]
    fitting = [one for one in known if _fits(one, terms)]
    if not fitting:
        return [f"{where}: no row of {len(known)} {_asked(terms)}; {_nearest(known, terms)}"]
    if terms.budget is None:
        best = min(fitting, key=lambda one: (one.time.value, -one.standing.score.value))
    else:
        best = max(fitting, key=lambda one: (one.standing.score.value, -one.time.value))
    lines = [
        f"{where}: take {_named(best.line)}: {_spelled(board, best, terms)}",
        f"  {_sure(best, terms)}",
    ]
    ties = [
        _named(one.line)
        for one in fitting
        if one is not best and one.standing.rank == best.standing.rank
    ]
    if ties:
        lines.append(f"  by quality no better, beyond chance, than {', '.join(ties)}")
    if best.line.index:
        command = shlex.join(["effbench", "export", board.suite, best.line.row])
        lines.append(f"  {command} DIR")
    return lines


def _candidates(board: Board, terms: Terms) -> Iterator[_Candidate]:
    """Yield the rows that may be ranked, and have all datasets and a latency."""
    for number, standing in board.standings(board.measures[0]).items():
        line, measured = board.lines[number], board.measured[number]
        span = terms.span if line.index else END_TO_END
        time = figures.percentile_of(measured.times(span), terms.percent)
        if time and ranked(board, number):
            yield _Candidate(line, standing, time)


def _fits(one: _Candidate, terms: Terms) -> bool:
    within = terms.budget is None or one.time.value <= terms.budget
    return within and (terms.keep is None or one.kept.value >= terms.keep)


def _sure(one: _Candidate, terms: Terms) -> str:
    """Say whether the intervals too are within what is asked."""
    doubts = []
    if terms.budget is not None and (one.time.high is None or one.time.high > terms.budget):
        doubts.append("its latency may lie above the budget")
    if terms.keep is not None and (one.kept.low is None or one.kept.low < terms.keep):
        doubts.append("it may keep less than that")
    if not doubts:
        return "sure: its 95 % intervals lie within what was asked"
    return f"likely, not sure: {' and '.join(doubts)} (more --processes or queries would tell)"


def _asked(terms: Terms) -> str:
    asked = []
    if terms.budget is not None:
        asked.append(f"takes at most {terms.budget:g} ms ({terms.span} p{terms.percent})")
    if terms.keep is not None:
        asked.append(f"keeps {terms.keep:.1%} or more")
    return " and ".join(asked)


def _nearest(known: list[_Candidate], terms: Terms) -> str:
    fastest = min(known, key=lambda one: one.time.value)
    best = max(known, key=lambda one: one.standing.score.value)
    return (
        f"the fastest is {_named(fastest.line)} ({fastest.time.spelled()} ms, keeps "
        f"{share(fastest.kept)}), the best {_named(best.line)} ({best.time.spelled()} ms)"
    )


def _spelled(board: Board, one: _Candidate, terms: Terms) -> str:
    span = terms.span if one.line.index else END_TO_END
    return (
        f"{board.measures[0]} {one.standing.score.spelled(4)}, {share(one.kept)} of the "
        f"baseline's; {span} p{terms.percent} {one.time.spelled()} ms"
    )


def _named(line: Line) -> str:
    return f"{line.row} through {line.index}" if line.index else line.row
