"""The text of a recommendation: lines for people, facts for programs."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from typing import Any

from effbench.board.candidates import Candidate, Terms, barring
from effbench.board.choice import Answer, Recommendation
from effbench.board.demand import Demand, need, said_of, service_of
from effbench.board.headline import (
    certainty,
    doubts_of,
    headline,
    number_text,
    rival_said,
)
from effbench.board.leaderboard import Board
from effbench.board.marks import UNSTABLE, WORDS, grouped
from effbench.board.remedy import remedy, results_argument, suite_argument
from effbench.board.sentences import share
from effbench.machine.facts import spelled


def lines(
    recommendation: Recommendation,
    machines: Collection[str] = (),
    demand: Demand | None = None,
) -> Iterator[str]:
    """Yield lines that say which row to ship, how sure that is, and how to export the row.

    ``machines`` are all machines of the output: they decide how the name is spelled.
    """
    board, taken = recommendation.board, recommendation.taken
    place = f"{board.suite} on {spelled(board.machine, machines)}"
    yield f"{place}: {headline(recommendation, demand)}"
    if taken:
        yield f"  {_figures(recommendation, taken)}"
    notes = certainty(recommendation), rival_said(recommendation)
    yield from (f"  {note}" for note in notes if note)
    yield from _keeping(recommendation)
    if cure := remedy(recommendation):
        yield f"  to {cure.purpose}: {cure.command}"
    if taken:
        yield from _about(recommendation, taken)
    yield from _left_out(recommendation)
    if demand:
        yield f"  for {number_text(demand.rate)} queries/s:"
        for number, line in enumerate(board.lines):
            yield f"    {line.name}: {said_of(board, number, demand)}"


def facts(recommendation: Recommendation, demand: Demand | None = None) -> dict[str, Any]:
    """Return the recommendation as JSON data: figures as numbers, reasons as texts."""
    board, terms = recommendation.board, recommendation.terms
    cure = remedy(recommendation)
    return {
        "suite": board.suite,
        "machine": board.machine,
        "measure": board.measures[0],
        "asked": {
            "budget_ms": terms.budget,
            "keep": terms.keep,
            "span": terms.span,
            "percentile": terms.percent,
            "allowed": sorted(terms.allowed),
            **(vars(demand) if demand else {}),
        },
        "sentence": headline(recommendation, demand),
        "answer": recommendation.answer.value,
        "sure": recommendation.answer is Answer.SURE,
        "doubts": doubts_of(recommendation),
        "to_make_it_sure": cure and cure.command,
        "taken": recommendation.taken and _facts(recommendation.taken, terms),
        "taken_were_it_sure": recommendation.rival and _facts(recommendation.rival, terms),
        "rows": [_facts(row, terms) for row in recommendation.candidates],
        "left_out": [
            {
                "row": board.lines[number].row,
                "index": board.lines[number].index,
                "why": why,
                "marks": {mark.label: mark.why for mark in recommendation.marks[number]},
            }
            for number, why in recommendation.left_out.items()
        ],
        "needs": list(_needs(board, demand)) if demand else None,
    }


def _needs(board: Board, demand: Demand) -> Iterator[dict[str, Any]]:
    """Yield what each line needs for a demand; cores and cost are None if nobody knows."""
    for number, line in enumerate(board.lines):
        service = service_of(board, number)
        known = None if isinstance(service, str) else need(service, demand)
        cores, cost, source = known or (None, None, service)
        yield {"row": line.row, "index": line.index, "cores": cores, "cost_a_month": cost,
               "source": source}  # fmt: skip


def _facts(row: Candidate, terms: Terms) -> dict[str, Any]:
    return {
        "row": row.line.row,
        "index": row.line.index,
        "score": row.standing.score._asdict(),
        "kept": row.kept and row.kept._asdict(),
        "rank": row.standing.rank,
        "ms": row.time and row.time._asdict(),
        "why_no_ms": row.untimed or None,
        "fits": row.within(terms) and row.keeps(terms),
        "surely_within_budget": terms.budget and row.steady and not row.may_exceed(terms),
        "surely_keeps": terms.keep and not row.may_keep_less(terms),
        "marks": {mark.label: mark.why for mark in row.marks},
    }


def _keeping(recommendation: Recommendation) -> Iterator[str]:
    """Yield the rows that keep the share, the fastest first."""
    if recommendation.listed:
        timed = any(row.time for row in recommendation.listed)
        first = "the fastest first" if timed else "without a latency"
        yield f"  rows that keep {recommendation.terms.keep:.1%} or more, {first}:"
    for row in recommendation.listed:
        less = ", may keep less" if row.may_keep_less(recommendation.terms) else ", sure"
        yield f"    {row.line.name}: {share(row.kept) if row.kept else ''}{less}; {_time(row)}"


def _about(recommendation: Recommendation, taken: Candidate) -> Iterator[str]:
    """Yield further facts about the row to take, and the command that exports it."""
    others = (row for row in recommendation.fitting if row is not taken)
    if ties := [row.line.name for row in others if row.tied(taken)]:
        yield f"  its quality cannot be told apart from that of {', '.join(ties)}"
    for mark in taken.marks:
        if mark.kind != UNSTABLE:
            label = "" if mark.kind == "dataset with a note" else f"{mark.label}: "
            yield f"  note: {label}{mark.why}"
    yield from _exporting(recommendation, taken)


def _exporting(recommendation: Recommendation, taken: Candidate) -> Iterator[str]:
    """Yield the command that exports the row; for a retriever that of the best encoder."""
    encoder = next((row for row in recommendation.fitting if row.time and row.line.index), None)
    row, before = (taken, "") if taken.line.index else (encoder, _no_export(taken, encoder))
    if row:
        board = recommendation.board
        words = ["effbench", "export", suite_argument(board), row.line.row, "DIR"]
        words += results_argument(board)
        yield f"  {before}{shlex.join(words)}"
    else:
        yield f"  {before}"


def _no_export(taken: Candidate, encoder: Candidate | None) -> str:
    """Say that a retriever cannot be exported, and which encoder can be."""
    text = f"{taken.line.name} is a retriever, which has no encoder to export"
    if encoder is None:
        return text
    doubt = ", whose latency is not sure" if encoder.unsure else ""
    return f"{text}; the best encoder within what was asked, {encoder.line.name}{doubt}: "


def _left_out(recommendation: Recommendation) -> Iterator[str]:
    """Yield who is left out, and why; each row is named once."""
    passed_over, rival = recommendation.passed_over, recommendation.rival
    named = {row.number for row in (*passed_over, rival) if row}
    if passed_over:
        in_doubt = (f"{row.line.name} ({_ms(row)})" for row in passed_over)
        yield f"  left out by a time that is not sure: {', '.join(in_doubt)}"
    others = {n: why for n, why in recommendation.left_out.items() if n not in named}
    for why in grouped(recommendation.board, others):
        yield f"  left out: {why}"
    allowed = recommendation.terms.allowed
    barred = (m for marks in recommendation.marks for m in barring(marks, allowed))
    if words := sorted({WORDS[mark.kind] for mark in barred if mark.kind in WORDS}):
        options = " ".join(f"--allow {word}" for word in words)
        yield f"  to take rows with such marks too: {options}"


def _figures(recommendation: Recommendation, row: Candidate) -> str:
    board, terms = recommendation.board, recommendation.terms
    kept = ""
    if row.kept and board.baseline is not None:
        kept = f", {share(row.kept)} of that of {board.lines[board.baseline].name}"
    within = "" if terms.budget is None else f" of {number_text(terms.budget)} ms"
    return (
        f"{board.measures[0]} {row.standing.score.spelled(4)}{kept}; "
        f"{terms.span} p{terms.percent} {_ms(row)}{within}"
    )


def _time(row: Candidate) -> str:
    return f"{_ms(row)}{', not sure' if row.unsure else ''}"


def _ms(row: Candidate) -> str:
    return f"{row.time.spelled()} ms" if row.time else row.untimed
