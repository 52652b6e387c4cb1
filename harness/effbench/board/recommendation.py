"""The text of a recommendation: lines for people, facts for programs."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from effbench.board.choice import Answer, Candidate, Recommendation, Terms
from effbench.board.marks import Bearing, grouped
from effbench.board.remedy import remedy, results_argument, suite_argument
from effbench.board.sentences import share
from effbench.machine.facts import spelled


def lines(recommendation: Recommendation, machines: Collection[str] = ()) -> Iterator[str]:
    """Yield lines that say which row to take, how sure that is, and how to export the row.

    ``machines`` are all machines of the output: they decide how the name is spelled.
    """
    board = recommendation.board
    yield f"{board.suite} on {spelled(board.machine, machines)}: {_headline(recommendation)}"
    doubts, taken, rival = doubts_of(recommendation), recommendation.taken, recommendation.rival
    if recommendation.answer is Answer.SURE:
        yield "  sure: its whole 95 % intervals are within what was asked"
    elif doubts:
        likely = "likely, " if recommendation.answer is Answer.LIKELY else ""
        yield f"  {likely}not sure: {'; '.join(doubts)}"
    yield from _keeping(recommendation)
    if rival:
        yield (
            f"  were its latency sure, {rival.line.name} would be taken: "
            f"{_spelled(recommendation, rival)} (not sure: {_unsure(rival)})"
        )
    if cure := remedy(recommendation):
        yield f"  to {cure.purpose}: {cure.command}"
    if taken:
        yield from _about(recommendation, taken)
    in_doubt = [f"{row.line.name} ({_ms(row)})" for row in recommendation.passed_over]
    if in_doubt:
        yield f"  left out by a time that is not sure: {', '.join(in_doubt)}"
    for why in grouped(board, recommendation.left_out):
        yield f"  left out: {why}"


def facts(recommendation: Recommendation) -> dict[str, Any]:
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
        },
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
    }


def _facts(row: Candidate, terms: Terms) -> dict[str, Any]:
    return {
        "row": row.line.row,
        "index": row.line.index,
        "score": row.standing.score._asdict(),
        "kept": row.kept and row.kept._asdict(),
        "rank": row.standing.rank,
        "ms": row.time and row.time._asdict(),
        "why_no_ms": row.untimed or None,
        "fits": row.fits(terms),
        "surely_within_budget": terms.budget and row.steady and not row.may_exceed(terms),
        "surely_keeps": terms.keep and not row.may_keep_less(terms),
        "marks": {mark.label: mark.why for mark in row.marks},
    }


def doubts_of(recommendation: Recommendation) -> list[str]:
    """Return why it is not sure which row to take; empty if it is sure."""
    taken, terms = recommendation.taken, recommendation.terms
    if recommendation.answer is Answer.UNTIMED:
        return ["no row that keeps it has a latency, which would tell the fastest"]
    if taken is None:
        return []
    doubts = [_unsure(taken)] if taken.unsure else []
    if taken.may_exceed(terms):
        doubts.append("its latency may lie above the budget")
    if taken.may_keep_less(terms):
        doubts.append("it may keep less than that (more judged queries would tell)")
    return doubts


def _headline(recommendation: Recommendation) -> str:
    terms, rows, taken = recommendation.terms, recommendation.candidates, recommendation.taken
    if taken:
        provisionally = "provisionally, " if recommendation.answer is Answer.PROVISIONAL else ""
        return f"{provisionally}take {taken.line.name}: {_spelled(recommendation, taken)}"
    if not rows:
        latency = "" if terms.budget is None else " and a latency"
        return f"no row that may be taken has a score{latency}"
    if terms.keep is not None and all(row.kept is None for row in rows):
        return "no baseline whose quality a row could keep"
    if count := len(recommendation.fitting):
        verb = "keeps" if count == 1 else "keep"
        return f"{count} of {len(rows)} rows {verb} {terms.keep:.1%} or more"
    return f"no row of {len(rows)} {_asked(terms)}; {_nearest(rows)}"


def _asked(terms: Terms) -> str:
    asked = []
    if terms.budget is not None:
        asked.append(f"takes at most {terms.budget:g} ms ({terms.span} p{terms.percent})")
    if terms.keep is not None:
        asked.append(f"keeps {terms.keep:.1%} or more")
    return " and ".join(asked)


def _nearest(rows: Sequence[Candidate]) -> str:
    """Name the best and the fastest row, if no row is within the terms."""
    best = max(rows, key=lambda row: row.standing.score.value)
    text = f"the best {best.line.name} ({_time(best)})"
    timed = [(row.time.value, row) for row in rows if row.time]
    if not timed:
        return text
    _, fastest = min(timed, key=lambda pair: pair[0])
    keeps = f", keeps {share(fastest.kept)}" if fastest.kept else ""
    return f"the fastest is {fastest.line.name} ({_time(fastest)}{keeps}), {text}"


def _keeping(recommendation: Recommendation) -> Iterator[str]:
    """Yield the rows that keep the share, those with a sure time first, then by time."""
    if recommendation.listed:
        timed = any(row.time for row in recommendation.listed)
        first = "the fastest first" if timed else "without a latency"
        yield f"  rows that keep {recommendation.terms.keep:.1%} or more, {first}:"
    for row in recommendation.listed:
        less = ", may keep less" if row.may_keep_less(recommendation.terms) else ", sure"
        yield f"    {row.line.name}: {share(row.kept) if row.kept else ''}{less}; {_time(row)}"


def _about(recommendation: Recommendation, taken: Candidate) -> Iterator[str]:
    """Yield further facts about the row to take, and the command that exports it."""
    rank = taken.standing.rank
    ties = [
        row.line.name
        for row in recommendation.fitting
        if row is not taken and row.steady == taken.steady and row.standing.rank == rank
    ]
    if ties:
        yield f"  its quality cannot be told apart from that of {', '.join(ties)}"
    for mark in taken.marks:
        if mark.bearing is Bearing.BESIDE:
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


def _unsure(row: Candidate) -> str:
    """Say why a row's time is in doubt."""
    return " and ".join(
        f"its latency is marked {mark.kind.removeprefix('latency ')}, since {mark.why}"
        for mark in row.unsure
    )


def _spelled(recommendation: Recommendation, row: Candidate) -> str:
    board, terms = recommendation.board, recommendation.terms
    kept = ""
    if row.kept and board.baseline is not None:
        kept = f", {share(row.kept)} of that of {board.lines[board.baseline].name}"
    within = "" if terms.budget is None else f" of {terms.budget:g} ms"
    return (
        f"{board.measures[0]} {row.standing.score.spelled(4)}{kept}; "
        f"{terms.span} p{terms.percent} {_ms(row)}{within}"
    )


def _time(row: Candidate) -> str:
    return f"{_ms(row)}{', not sure' if row.unsure else ''}"


def _ms(row: Candidate) -> str:
    return f"{row.time.spelled()} ms" if row.time else row.untimed
