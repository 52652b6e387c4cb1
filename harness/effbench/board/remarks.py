"""Remarks below a leaderboard: what training saw, the models' remarks, datasets' notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from effbench.board import counts
from effbench.board.lines import Line
from effbench.run.recorded import Done, SuiteFacts
from effbench.text.printing import one_line

LONGEST = 500
"""The number of characters of a trainer's remark that are shown."""


def remarks_on(lines: Sequence[Line], suite: SuiteFacts) -> Iterator[str]:
    """Yield the remarks on the lines and datasets of a board."""
    yield from dict.fromkeys(remark for line in lines for remark in _on_training(line))
    rows: dict[str, dict[str, None]] = {}
    for line in lines:
        for remark in model_remarks(line):
            rows.setdefault(remark, {})[line.row] = None
    yield from (f"{', '.join(names)}: {remark}" for remark, names in rows.items())
    for dataset in suite.datasets:
        if dataset.note:
            yield f"{dataset.name}: {dataset.note}"
    yield from counts.remarks(record for line in lines for record in line.records.values())


def told(line: Line) -> list[str]:
    """Say of each dataset of `Line.told` how many answers were told in training."""
    return [
        f"{overlap.same} of {overlap.queries} queries of {name} have exactly the relevant docs "
        f"of a query that it was trained on ({overlap.seen} of {overlap.judgments} judgments "
        "name a doc that was relevant there)"
        for name, overlap in line.told.items()
    ]


def _on_training(line: Line) -> Iterator[str]:
    """Yield why a line is not ranked for what its row was trained on, and what is not known."""
    if line.tested_on:
        yield (
            f"{line.row}: last and not ranked: it was trained on judgments that it is "
            f"measured on, of {', '.join(line.tested_on)}"
        )
    for reason in told(line):
        yield f"{line.row}: last and not ranked: {reason}"
    if unknown := sorted(name for name, record in line.records.items() if _unknown(record)):
        yield (
            f"{line.row}: trained on other judgments of the collections of "
            f"{', '.join(unknown)}; how many answers these told is not known (run the suite "
            "again)"
        )


def _unknown(record: Done) -> bool:
    return "other judgments" in record.trained_on and record.overlap is None


def model_remarks(line: Line) -> list[str]:
    """Return the trainers' remarks on a line's models, each once for all datasets."""
    unique: dict[str, None] = {}
    for record in line.records.values():
        for model, facts in record.models.items():
            prefix = "" if model == line.row else f"model {model}: "
            for remark in _plain_remarks(facts):
                unique[prefix + remark] = None
    return list(unique)


def _plain_remarks(facts: Any) -> Iterator[str]:
    """Yield a model's remarks that can be shown: a foreign record may hold anything."""
    value = facts.get("remarks") if isinstance(facts, dict) else None
    for remark in value if isinstance(value, list) else ():
        if isinstance(remark, str) and (text := one_line(remark)):
            yield text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
