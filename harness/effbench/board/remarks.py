"""What is said below a leaderboard, of its rows and datasets: a line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from effbench.board import counts
from effbench.board.lines import Line
from effbench.run.recorded import SuiteFacts
from effbench.text.printing import one_line

LONGEST = 500
"""Characters of what a trainer remarks."""


def remarks(lines: Sequence[Line], suite: SuiteFacts) -> Iterator[str]:
    """Yield what readers of a board must know: of training, of models, of data."""
    for line in lines:
        if line.tested_on:
            yield (
                f"{line.row}: last and not ranked: it was trained on judgments that it is "
                f"measured on, of {', '.join(line.tested_on)}"
            )
    rows: dict[str, dict[str, None]] = {}
    for line in lines:
        for remark in of_models(line):
            rows.setdefault(remark, {})[line.row] = None
    yield from (f"{', '.join(names)}: {remark}" for remark, names in rows.items())
    for dataset in suite.datasets:
        if dataset.note:
            yield f"{dataset.name}: {dataset.note}"
    yield from counts.remarks(record for line in lines for record in line.records.values())


def of_models(line: Line) -> list[str]:
    """Return what trainers say of a line's models, once each, whatever the datasets."""
    found: dict[str, None] = {}
    for record in line.records.values():
        for model, facts in record.models.items():
            about = "" if model == line.row else f"model {model}: "
            for remark in _sentences(facts):
                found[about + remark] = None
    return list(found)


def _sentences(facts: Any) -> Iterator[str]:
    """Yield what may be shown; of a stranger's record that may be anything."""
    found = facts.get("remarks") if isinstance(facts, dict) else None
    for one in found if isinstance(found, list) else ():
        if isinstance(one, str) and (text := one_line(one)):
            yield text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
