"""The sentence of a recommendation, which begins "Ship ...", and how sure it is.

The script ``answer.js`` of `effbench.views.page` makes the same sentences. What depends on the
row alone (`merits`, `brief`, `doubt`) it gets as text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from effbench.board.candidates import Candidate, Terms
from effbench.board.choice import Answer, Recommendation
from effbench.board.demand import Demand, need, service_of
from effbench.board.leaderboard import Board
from effbench.board.sentences import share
from effbench.statistics.row_latency import SPEED_UPS

NAMED = 3
"""The most rows that a part of the sentence names."""


def headline(recommendation: Recommendation, demand: Demand | None = None) -> str:
    """Say which row to ship, or why no row can be shipped and which row is the nearest.

    With a demand, the sentence ends with what the row needs for it.
    """
    terms, rows, taken = recommendation.terms, recommendation.candidates, recommendation.taken
    if taken:
        verb = "Provisionally ship" if taken.unsure else "Ship"
        parts = [
            f"{verb} {taken.line.name}: {merits(recommendation.board, taken, terms)}",
            _faster(recommendation),
            _next(recommendation, taken),
            *_needs(recommendation.board, taken, demand),
        ]
        return "; ".join(parts)
    if not rows:
        counts = Counter(recommendation.left_out.values())
        total = len(recommendation.board.lines)
        reasons = (f"{why} ({count} of {total})" for why, count in counts.items())
        return f"No row can be shipped: {'; '.join(reasons)}"
    if terms.keep is not None and all(row.kept is None for row in rows):
        return "No row can be shipped: there is no baseline whose quality a row could keep"
    if count := len(recommendation.fitting):
        keeping = "" if terms.keep is None else f" keeping {_percent(terms.keep)}"
        best = f"the best of them is {brief(recommendation.fitting[0])}"
        return (
            f"No latency tells which row to ship ({count} of {len(rows)} rows{keeping}); {best}"
        )
    nearest = (f"{what} is {brief(row)}" for what, row in recommendation.nearest.items())
    return f"No row {_asked(terms)}; {', '.join(nearest)}"


def certainty(recommendation: Recommendation) -> str:
    """Say how sure the answer is; empty if nothing was asked, or no row is taken."""
    terms, answer = recommendation.terms, recommendation.answer
    asked = terms.budget is not None or terms.keep is not None
    if answer is Answer.SURE and asked:
        return "sure: its whole 95 % intervals are within what was asked"
    doubts = doubts_of(recommendation)
    likely = "likely, " if answer is Answer.LIKELY else ""
    return f"{likely}not sure: {'; '.join(doubts)}" if doubts else ""


def rival_said(recommendation: Recommendation) -> str:
    """Say which row would be taken if its latency were sure; empty if none would."""
    rival = recommendation.rival
    if not rival:
        return ""
    said = merits(recommendation.board, rival, recommendation.terms)
    return f"were its latency sure, ship {rival.line.name}: {said} (not sure: {doubt(rival)})"


def doubts_of(recommendation: Recommendation) -> list[str]:
    """Return why it is not sure which row to take; empty if it is sure."""
    taken, terms = recommendation.taken, recommendation.terms
    if recommendation.answer is Answer.UNTIMED:
        return ["no row has a latency, which would tell the fastest"]
    if taken is None:
        return []
    doubts = [doubt(taken)] if taken.unsure else []
    if taken.may_exceed(terms):
        doubts.append("its latency may lie above the budget")
    if taken.may_keep_less(terms):
        doubts.append("it may keep less than that (more judged queries would tell)")
    return doubts


def doubt(row: Candidate) -> str:
    """Say why a row's time is in doubt; empty if it is not."""
    return " and ".join(
        f"its latency is marked {mark.kind.removeprefix('latency ')}, since {mark.why}"
        for mark in row.unsure
    )


def merits(board: Board, row: Candidate, terms: Terms) -> str:
    """Say what a row keeps of the baseline's quality, how long it takes, how much faster."""
    if row.number == board.baseline:
        quality = "the baseline"
    elif row.kept:
        quality = f"keeps {share(row.kept)}"
    else:
        quality = f"{board.measures[0]} {row.standing.score.spelled(4)}"
    faster = ""
    if terms.span in SPEED_UPS and row.number != board.baseline:
        latency = board.latencies[row.number]
        ratio = latency.speedup(board.baseline_latency, terms.span)
        if ratio:
            figure, *interval = ratio.spelled().split(" ", 1)
            kind = "faster" if ratio.value >= 1 else "as fast"
            faster = f", {' '.join([f'{figure}x', *interval])} {kind}"
    return f"{quality} at {_ms(row)}{faster}"


def brief(row: Candidate) -> str:
    """Return a row's name with the share that it keeps and its time."""
    kept = f"{row.kept.value:.1%}{' at ' if row.time else ', '}" if row.kept else ""
    return f"{row.line.name} ({kept}{_ms(row)})"


def number_text(value: float) -> str:
    """Return a number with up to six significant digits."""
    return f"{value:g}"


def _faster(recommendation: Recommendation) -> str:
    rows = [brief(row) for row in recommendation.faster]
    if not rows:
        return "nothing faster is as good"
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return f"faster and as good within noise: {', '.join(rows[:NAMED])}{more}"


def _next(recommendation: Recommendation, taken: Candidate) -> str:
    second = recommendation.second
    if second is None:
        return "no other row fits"
    if second in recommendation.faster[:NAMED]:
        return f"next best {second.line.name}"
    return f"next best {brief(second)}{', as good within noise' * second.tied(taken)}"


def _needs(board: Board, row: Candidate, demand: Demand | None) -> Iterator[str]:
    if demand:
        service = service_of(board, row.number)
        needs = service if isinstance(service, str) else need(service, demand).said
        yield f"for {number_text(demand.rate)} queries/s: {needs}"


def _asked(terms: Terms) -> str:
    asked = []
    if terms.budget is not None:
        time = f"{terms.span} p{terms.percent}"
        asked.append(f"is within {number_text(terms.budget)} ms ({time})")
    if terms.keep is not None:
        asked.append(f"keeps {_percent(terms.keep)}")
    return " and ".join(asked)


def _percent(share: float) -> str:
    return f"{number_text(100 * share)}% or more"


def _ms(row: Candidate) -> str:
    return f"{row.time.value:.3g} ms" if row.time else row.untimed
