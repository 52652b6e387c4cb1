"""How it is said which row to take: lines for people, facts for programs."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from effbench.board.choice import Answer, Candidate, Choice, Terms
from effbench.board.marks import Bearing, grouped
from effbench.board.remedy import remedy, results_argument, suite_argument
from effbench.board.sentences import share
from effbench.machine.facts import spelled


def lines(choice: Choice, machines: Collection[str] = ()) -> Iterator[str]:
    """Yield what to take on a board's machine, how sure that is, and how to have it.

    Of several ``machines`` that are spoken of this one is pointed out.
    """
    board = choice.board
    yield f"{board.suite} on {spelled(board.machine, machines)}: {_headline(choice)}"
    doubts, taken, rival = doubts_of(choice), choice.taken, choice.rival
    if choice.answer is Answer.SURE:
        yield "  sure: its whole 95 % intervals are within what was asked"
    elif doubts:
        likely = "likely, " if choice.answer is Answer.LIKELY else ""
        yield f"  {likely}not sure: {'; '.join(doubts)}"
    yield from _keeping(choice)
    if rival:
        yield (
            f"  were its latency sure, {rival.line.name} would be taken: "
            f"{_spelled(choice, rival)} (not sure: {_unsure(rival)})"
        )
    if found := remedy(choice):
        yield f"  to {found.end}: {found.command}"
    if taken:
        yield from _about(choice, taken)
    in_doubt = [f"{one.line.name} ({_ms(one)})" for one in choice.passed_over]
    if in_doubt:
        yield f"  left out by a time that is not sure: {', '.join(in_doubt)}"
    for why in grouped(board, choice.left_out):
        yield f"  left out: {why}"


def facts(choice: Choice) -> dict[str, Any]:
    """Return the same as JSON can hold it: figures as numbers, reasons as texts."""
    board, terms = choice.board, choice.terms
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
        "answer": choice.answer.value,
        "sure": choice.answer is Answer.SURE,
        "doubts": doubts_of(choice),
        "to_make_it_sure": found.command if (found := remedy(choice)) else None,
        "taken": choice.taken and _facts(choice.taken, terms),
        "taken_were_it_sure": choice.rival and _facts(choice.rival, terms),
        "rows": [_facts(one, terms) for one in choice.known],
        "left_out": [
            {
                "row": board.lines[number].row,
                "index": board.lines[number].index,
                "why": why,
                "marks": {mark.label: mark.why for mark in choice.marks[number]},
            }
            for number, why in choice.left_out.items()
        ],
    }


def _facts(one: Candidate, terms: Terms) -> dict[str, Any]:
    return {
        "row": one.line.row,
        "index": one.line.index,
        "score": one.standing.score._asdict(),
        "kept": one.kept and one.kept._asdict(),
        "rank": one.standing.rank,
        "ms": one.time and one.time._asdict(),
        "why_no_ms": one.untimed or None,
        "fits": one.fits(terms),
        "surely_within_budget": terms.budget and one.steady and not one.may_exceed(terms),
        "surely_keeps": terms.keep and not one.may_keep_less(terms),
        "marks": {mark.label: mark.why for mark in one.marks},
    }


def doubts_of(choice: Choice) -> list[str]:
    """Say why it is not sure which row to take; nothing where it is."""
    taken, terms = choice.taken, choice.terms
    if choice.answer is Answer.UNTIMED:
        return ["no row that keeps it has a latency, which would tell the fastest"]
    if taken is None:
        return []
    doubts = [_unsure(taken)] if taken.unsure else []
    if taken.may_exceed(terms):
        doubts.append("its latency may lie above the budget")
    if taken.may_keep_less(terms):
        doubts.append("it may keep less than that (more judged queries would tell)")
    return doubts


def _headline(choice: Choice) -> str:
    terms, known, taken = choice.terms, choice.known, choice.taken
    if taken:
        provisionally = "provisionally, " if choice.answer is Answer.PROVISIONAL else ""
        return f"{provisionally}take {taken.line.name}: {_spelled(choice, taken)}"
    if not known:
        latency = "" if terms.budget is None else " and a latency"
        return f"no row that may be taken has a score{latency}"
    if terms.keep is not None and all(one.kept is None for one in known):
        return "no baseline whose quality a row could keep"
    if choice.fitting:
        verb = "keeps" if len(choice.fitting) == 1 else "keep"
        return f"{len(choice.fitting)} of {len(known)} rows {verb} {terms.keep:.1%} or more"
    return f"no row of {len(known)} {_asked(terms)}; {_nearest(known)}"


def _asked(terms: Terms) -> str:
    asked = []
    if terms.budget is not None:
        asked.append(f"takes at most {terms.budget:g} ms ({terms.span} p{terms.percent})")
    if terms.keep is not None:
        asked.append(f"keeps {terms.keep:.1%} or more")
    return " and ".join(asked)


def _nearest(known: Sequence[Candidate]) -> str:
    best = max(known, key=lambda one: one.standing.score.value)
    said = f"the best {best.line.name} ({_time(best)})"
    timed = [(one.time.value, one) for one in known if one.time]
    if not timed:
        return said
    _, fastest = min(timed, key=lambda pair: pair[0])
    keeps = f", keeps {share(fastest.kept)}" if fastest.kept else ""
    return f"the fastest is {fastest.line.name} ({_time(fastest)}{keeps}), {said}"


def _keeping(choice: Choice) -> Iterator[str]:
    """Yield the rows that keep the share, the fastest first as far as is known."""
    if choice.listed:
        yield f"  rows that keep {choice.terms.keep:.1%} or more, the fastest first:"
    for one in choice.listed:
        less = ", may keep less" if one.may_keep_less(choice.terms) else ", sure"
        yield f"    {one.line.name}: {share(one.kept) if one.kept else ''}{less}; {_time(one)}"


def _about(choice: Choice, taken: Candidate) -> Iterator[str]:
    """Yield what else must be known of the row to take, and how to have it."""
    rank = taken.standing.rank
    ties = [
        one.line.name
        for one in choice.fitting
        if one is not taken and one.steady == taken.steady and one.standing.rank == rank
    ]
    if ties:
        yield f"  its quality cannot be told apart from that of {', '.join(ties)}"
    for mark in taken.marks:
        if mark.bearing is Bearing.BESIDE:
            label = "" if mark.kind == "dataset with a note" else f"{mark.label}: "
            yield f"  note: {label}{mark.why}"
    yield from _exporting(choice, taken)


def _exporting(choice: Choice, taken: Candidate) -> Iterator[str]:
    """Yield the command that exports the row; of a retriever that of the next encoder."""
    encoder = next((one for one in choice.fitting if one.time and one.line.index), None)
    found, before = (taken, "") if taken.line.index else (encoder, _no_export(taken, encoder))
    if found:
        suite, place = suite_argument(choice.board), results_argument(choice.board)
        words = ["effbench", "export", suite, found.line.row, "DIR", *place]
        yield f"  {before}{shlex.join(words)}"
    else:
        yield f"  {before}"


def _no_export(taken: Candidate, encoder: Candidate | None) -> str:
    said = f"{taken.line.name} is a retriever, which has no encoder to export"
    if encoder is None:
        return said
    doubt = ", whose latency is not sure" if encoder.unsure else ""
    return f"{said}; the best encoder within what was asked, {encoder.line.name}{doubt}: "


def _unsure(one: Candidate) -> str:
    """Say in plain words why a row's time is in doubt."""
    return " and ".join(
        f"its latency is marked {mark.kind.removeprefix('latency ')}, since {mark.why}"
        for mark in one.unsure
    )


def _spelled(choice: Choice, one: Candidate) -> str:
    board, terms = choice.board, choice.terms
    kept = ""
    if one.kept and board.baseline is not None:
        kept = f", {share(one.kept)} of that of {board.lines[board.baseline].name}"
    within = "" if terms.budget is None else f" of {terms.budget:g} ms"
    return (
        f"{board.measures[0]} {one.standing.score.spelled(4)}{kept}; "
        f"{terms.span} p{terms.percent} {_ms(one)}{within}"
    )


def _time(one: Candidate) -> str:
    return f"{_ms(one)}{', not sure' if one.unsure else ''}"


def _ms(one: Candidate) -> str:
    return f"{one.time.spelled()} ms" if one.time else one.untimed
