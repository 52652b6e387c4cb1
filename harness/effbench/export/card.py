"""The README.md of an exported folder: its plugin's text, then the row and its training."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from effbench.api.training import ABOUT
from effbench.export import figures
from effbench.export.figures import code
from effbench.machine.facts import versions
from effbench.plan import lineage
from effbench.plan.cells import Cell, Plan
from effbench.steps.train import MODEL, Train
from effbench.store.disk import write_text
from effbench.text.printing import harmless_lines
from effbench.views.render import markdown_text
from effbench.work.rows import Row
from effbench.work.step import all_steps
from effbench.work.workbench import Workbench

README = "README.md"
UNTITLED = "# An encoder exported by effbench"
"""The beginning of the README if the plugin has written none."""

LIBRARY = "modules.json"
"""The file by which Sentence Transformers knows a folder as a model."""


def write(
    folder: Path,
    row: Row,
    plan: Plan,
    bench: Workbench,
    results: Path,
    warn: Callable[[str], object],
) -> None:
    """Write the README of the row in ``folder``; the plugin's README is its beginning.

    ``warn`` is called with a message for each file under ``results`` that cannot be read.
    """
    path = folder / README
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else UNTITLED
    head = "" if text.startswith("---\n") else _head(folder, row)
    cells = [cell for cell in plan.cells if same(cell.row, row)]
    lines = [
        *_row(row, plan),
        *figures.lines(plan, cells, results, warn),
        *_training(row, cells, bench),
    ]
    write_text(path, harmless_lines(f"{head}{text.rstrip()}\n\n" + "\n".join(lines)))


def same(first: Row, second: Row) -> bool:
    """Tell whether two rows of a plan are the same encoder with the same passages."""
    passages = [row.passages.key if row.passages else "" for row in (first, second)]
    return first.key == second.key and passages[0] == passages[1]


def _head(folder: Path, row: Row) -> str:
    """Return the header of a model card, which the Hugging Face hub reads."""
    tags = ["effbench", f"{row.offer.makes}-retrieval"]
    facts: dict[str, Any] = {"tags": tags}
    if (folder / LIBRARY).is_file():
        library = "sentence-transformers"
        facts = {"library_name": library, "tags": [library, *tags]}
    return f"---\n{yaml.safe_dump(facts, sort_keys=False)}---\n\n"


def _row(row: Row, plan: Plan) -> Iterator[str]:
    """Yield the section about the row: its options, and the passages that fit its vectors."""
    version, today = versions()["effbench"], datetime.now(timezone.utc).date()
    yield "## The row"
    yield ""
    yield (
        f"{code(row.name)} of the suite {code(plan.suite.name)}, exported on {today} "
        f"by effbench {version}. Its lines in the suite:"
    )
    yield from _block({"use": row.offer.name, **row.given})
    if row.passages is None:
        yield "It encodes passages itself: its query vectors only fit its own passage vectors."
        yield ""
        return
    yield (
        f"It encodes only queries. Its vectors only fit the passage vectors of the row "
        f"{code(row.passages.name)}:"
    )
    yield from _block({"use": row.passages.offer.name, **row.passages.given})


def _training(row: Row, cells: Sequence[Cell], bench: Workbench) -> Iterator[str]:
    """Yield the section about training: the row's trainers, their facts, and the data seen."""
    yield "## How it was trained"
    yield ""
    steps = [step for step in all_steps(row.steps).values() if isinstance(step, Train)]
    if not steps:
        yield "The suite does not train it: its model is the one named above, unchanged."
        yield ""
        return
    for step in steps:
        offer = step.row.offer
        yield (
            f"{code(step.row.name)}, by the trainer {code(offer.name)} of the plugin "
            f"{markdown_text(offer.plugin)}, "
            f"seed {step.seed}. Its options in the suite, with its data:"
        )
        yield from _block(step.row.given)
        about = bench.artifact(step).folder / MODEL / ABOUT
        if about.is_file():
            yield "The trainer's facts about it:"
            yield from _block(json.loads(about.read_text(encoding="utf-8")))
        else:
            yield "The trainer gives no facts about it: its steps and losses are not known."
            yield ""
    for name, dataset in {cell.dataset.name: cell.dataset for cell in cells}.items():
        kinds = ", ".join(lineage.seen(row, dataset)) or "nothing"
        yield f"- of the dataset {markdown_text(name)}, training took: {kinds}"
    yield ""


def _block(facts: Any) -> Iterator[str]:
    """Yield facts as indented YAML, which Markdown shows unchanged."""
    plain = json.loads(json.dumps(facts, default=str))
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True) if plain else "no options"
    yield ""
    yield from (f"    {line}" for line in text.splitlines())
    yield ""
