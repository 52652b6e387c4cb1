"""Which row to take within a budget of latency, or to keep a share of the quality."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from effbench.errors import EffbenchError
from effbench.latency.figures import Interval
from effbench.latency.spans import END_TO_END
from effbench.leaderboard import Board, Line
from effbench.marks import grouped, marks, ranked, time_of, unplaced
from effbench.sentences import share
from effbench.standings import Standing
from effbench.words import plain_line


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


@dataclass(frozen=True)
class _Candidate:
    line: Line
    standing: Standing
    time: Interval
    kept: Interval | None
    """Its share of the baseline's score; the baseline's is 1."""


def milliseconds(text: str) -> float:
    """Return the ms that a text such as 5ms, 800us or 0.2s says.

    Raises:
        EffbenchError: it says none.

    """
    number, unit = _amount(text, "us|ms|s")
    if number <= 0:
        raise EffbenchError(
            f"--budget {plain_line(text, 40)}: not a time (write 5ms, 800us or 0.2s)"
        )
    return number * {"us": 1e-3, "ms": 1.0, "s": 1e3}[unit or "ms"]


def share_kept(text: str) -> float:
    """Return the share that a text such as 0.97 or 97% says.

    Raises:
        EffbenchError: it says none, or more than the whole.

    """
    number, unit = _amount(text, "%")
    kept = number / 100 if unit else number
    if not 0 < kept <= 1:
        wanted = "not a share above 0 and up to 1 (write 0.97 or 97%)"
        raise EffbenchError(f"--keep {plain_line(text, 40)}: {wanted}")
    return kept


def _amount(text: str, units: str) -> tuple[float, str | None]:
    """Return the number of a text, and its unit; 0 if it is none."""
    pattern = rf"(\d{{1,9}}(?:\.\d{{0,9}})?)\s*({units})?"
    found = re.fullmatch(pattern, text.strip(), re.ASCII)
    return (float(found[1]), found[2]) if found else (0.0, None)


def recommend(board: Board, terms: Terms) -> list[str]:
    """Return what to take on this machine, how sure that is, and how to have it."""
    where = f"{board.suite} on {board.machine}"
    known = list(_candidates(board, terms))
    others = [f"  left out: {one}" for one in grouped(board, _left_out(board, terms))]
    if not known:
        return [f"{where}: no row with a score and a latency that may be ranked", *others]
    if terms.keep is not None and all(one.kept is None for one in known):
        return [f"{where}: no baseline whose quality a row could keep", *others]
    fitting = [one for one in known if _fits(one, terms)]
    if not fitting:
        none = f"{where}: no row of {len(known)} {_asked(terms)}; {_nearest(known)}"
        return [none, *others]
    if terms.budget is None:
        best = min(fitting, key=lambda one: (one.time.value, -one.standing.score.value))
    else:
        best = max(fitting, key=lambda one: (one.standing.score.value, -one.time.value))
    lines = [
        f"{where}: take {best.line.name}: {_spelled(board, best, terms)}",
        f"  {_sure(best, terms)}",
    ]
    ties = [
        one.line.name
        for one in fitting
        if one is not best and one.standing.rank == best.standing.rank
    ]
    if ties:
        lines.append(f"  its quality cannot be told apart from that of {', '.join(ties)}")
    if best.line.index:
        command = shlex.join(["effbench", "export", board.suite, best.line.row])
        lines.append(f"  {command} DIR")
    return [*lines, *others]


def _candidates(board: Board, terms: Terms) -> Iterator[_Candidate]:
    """Yield the rows that may be ranked, and have all datasets and that latency."""
    for number, standing in board.standings(board.measures[0]).items():
        time, _ = time_of(board, number, terms.span, terms.percent)
        if time and ranked(board, number):
            baseline = Interval(1.0, 1.0, 1.0) if number == board.baselines[number] else None
            kept = standing.kept or baseline
            yield _Candidate(board.lines[number], standing, time, kept)


def _left_out(board: Board, terms: Terms) -> dict[int, str]:
    """Return why each other row is none: no figures, or marked."""
    marked = {
        number: "; ".join(marks(board, number))
        for number in range(len(board.lines))
        if not ranked(board, number)
    }
    return marked | unplaced(board, terms.span, terms.percent)


def _fits(one: _Candidate, terms: Terms) -> bool:
    if terms.budget is not None and one.time.value > terms.budget:
        return False
    return terms.keep is None or (one.kept is not None and one.kept.value >= terms.keep)


def _sure(one: _Candidate, terms: Terms) -> str:
    """Say whether the intervals too are within what is asked."""
    doubts = []
    if terms.budget is not None and (one.time.high is None or one.time.high > terms.budget):
        doubts.append("its latency may lie above the budget")
    low = one.kept and one.kept.low
    if terms.keep is not None and (low is None or low < terms.keep):
        doubts.append("it may keep less than that")
    if not doubts:
        return "sure: its whole 95 % intervals are within what was asked"
    return f"likely, not sure: {' and '.join(doubts)} (more --processes or queries would tell)"


def _asked(terms: Terms) -> str:
    asked = []
    if terms.budget is not None:
        asked.append(f"takes at most {terms.budget:g} ms ({terms.span} p{terms.percent})")
    if terms.keep is not None:
        asked.append(f"keeps {terms.keep:.1%} or more")
    return " and ".join(asked)


def _nearest(known: list[_Candidate]) -> str:
    fastest = min(known, key=lambda one: one.time.value)
    best = max(known, key=lambda one: one.standing.score.value)
    keeps = f", keeps {share(fastest.kept)}" if fastest.kept else ""
    return (
        f"the fastest is {fastest.line.name} ({fastest.time.spelled()} ms{keeps}), "
        f"the best {best.line.name} ({best.time.spelled()} ms)"
    )


def _spelled(board: Board, one: _Candidate, terms: Terms) -> str:
    kept = f", {share(one.kept)} of the baseline's" if one.kept else ""
    return (
        f"{board.measures[0]} {one.standing.score.spelled(4)}{kept}; "
        f"{terms.span} p{terms.percent} {one.time.spelled()} ms"
    )
