"""Records: a JSON file for each cell, written last, so that it means a finished cell.

``RESULTS/<machine>/<suite>/<cell>.json`` keeps raw values; readers compute statistics.
The machine's facts and the suite's plan stand beside it. The schema: docs/records.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from effbench.api.errors import EffbenchError
from effbench.api.training import ABOUT
from effbench.latency.terms import conditions
from effbench.machine.facts import versions
from effbench.plan import lineage
from effbench.plan.cells import Cell, Plan
from effbench.run.costs import costs_of
from effbench.run.recorded import Record, SuiteFacts
from effbench.steps.data import qrels_of
from effbench.steps.measures import mean, values_by_query
from effbench.steps.search import RUN
from effbench.steps.train import MODEL, Train
from effbench.store import trec
from effbench.store.disk import SEAL, unsealed
from effbench.store.door import content, parsed, typed
from effbench.text.names import slug
from effbench.text.printing import one_line
from effbench.work import code
from effbench.work.rows import Row
from effbench.work.step import all_steps, key_of

if TYPE_CHECKING:
    from effbench.work.workbench import Workbench

SCHEMA = 2
SEALED = 2
"""The first schema whose files carry their own checksum."""

DATA_COUNTS = ("queries", "judgments", "judged_queries_missing", "queries_without_relevant")
"""Counts that a record takes from the step that read the data."""

RUN_COUNTS = ("without_hits", "judged_docs_missing", "self_judged")
"""Counts that a record takes from the step that searched."""

LONGEST = 10_000
"""Characters of an error that are kept."""

SUITE, MACHINE, RUNS, QUERIES = "suite.json", "machine.json", "runs", "queries"

Plain: TypeAlias = dict[str, Any]
"""A record as JSON holds it."""


def queries_file(dataset: str) -> str:
    """Return the path, inside a suite's folder, of the texts of a dataset's queries."""
    return f"{QUERIES}/{slug(dataset)}.json"


def read(path: Path) -> Record:
    """Read a record.

    Raises:
        EffbenchError: the file is missing, damaged, foreign, or of a newer schema.

    """
    return load(path)[0]


def load(path: Path) -> tuple[Record, Plain]:
    """Read a record; return it, and the whole content of its file. Errors: as `read`."""
    data = read_content(path)
    record: Record = typed({"cell": path.stem, **data}, Record, path)
    if record.cell != path.stem:
        raise EffbenchError(
            f"{path}: this is the record of {record.cell} (rename the file, or delete it)"
        )
    return record, data


def read_suite(path: Path) -> SuiteFacts:
    """Read the ``suite.json`` that a run has written.

    Raises:
        EffbenchError: as `read`.

    """
    suite: SuiteFacts = typed(read_content(path), SuiteFacts, path)
    return suite


def read_content(path: Path) -> Plain:
    """Return the content of a file with a schema; check the schema and the checksum.

    Raises:
        EffbenchError: as `read`.

    """
    data = parsed(content(path), path)
    if not isinstance(data, dict) or type(data.get("schema")) is not int:
        raise EffbenchError(f"{path}: not a record of effbench (move it away)")
    if data["schema"] > SCHEMA:
        raise EffbenchError(
            f"{path}: schema {str(data['schema'])[:9]} is newer than ours (upgrade effbench)"
        )
    return unsealed(data, path) if data["schema"] >= SEALED or SEAL in data else data


def row_facts(cell: Cell) -> Plain:
    """Return the facts of a record's rows. They have options of speed, which are in no key."""
    return {
        "row": _described(cell.row),
        "passages": cell.row.passages.name if cell.row.passages else None,
        "trained_on": lineage.seen(cell.row, cell.dataset, cell.index),
        "index": _described(cell.index) if cell.index else None,
        "vectors": cell.row.offer.makes if cell.index else None,
    }


def failed(cell: Cell, error: Exception) -> Plain:
    """Return the record of a cell that could not be finished, or that lacked its data."""
    record = _head(cell, "skipped" if getattr(error, "no_data", False) else "failed")
    message = one_line(str(error))[:LONGEST]
    return {**record, "error": message, "traceback": getattr(error, "trace", None)}


def done(cell: Cell, bench: Workbench, files: Mapping[str, str]) -> Plain:
    """Score a cell's run and return its record; ``files`` are name -> checksum of its files."""
    artifact = bench.artifact(cell.search)
    data, searched = cell.search.data, artifact.manifest() or {}
    run = trec.stream_rankings(artifact.folder / RUN)
    values = values_by_query(run, qrels_of(data, bench), cell.measures)
    read = bench.artifact(data).manifest() or {}
    return {
        **_head(cell, "done"),
        "code": code.of_finished(all_steps((cell.search,)), bench.store),
        "scores": {name: mean(by_query) for name, by_query in values.items()},
        "queries": {
            **{name: read[name] for name in DATA_COUNTS},
            **{name: searched[name] for name in RUN_COUNTS},
        },
        "such_as": {**read["such_as"], **searched["such_as"]},
        "costs": {"search_seconds": searched["seconds"], **costs_of(cell, bench)},
        "models": _models(cell, bench),
        "files": dict(files),
        "per_query": values,
    }


def suite_facts(plan: Plan) -> Plain:
    """Return the content of ``suite.json``: the suite's datasets, cells and expected scores."""
    suite = plan.suite
    datasets = {cell.dataset.name: cell.dataset for cell in plan.cells}
    first = next((cell.index.name for cell in plan.cells if cell.index), None)
    return {
        "schema": SCHEMA,
        "suite": suite.name,
        "measures": list(suite.measures),
        "k": suite.k,
        "datasets": [
            {
                "name": name,
                "group": row.group,
                "note": one_line(row.declared.note),
                "cut": row.declared.cut,
            }
            for name, row in datasets.items()
        ],
        "latency": _latency(plan),
        "expected": {**asdict(suite.expected), "index": first},
        "cells": [cell.name for cell in plan.cells],
    }


def _latency(plan: Plan) -> Plain:
    """Return the facts that tell the suite's latency sessions from others in its folder."""
    options = plan.suite.latency
    terms = {} if options is None else {"processes": options.processes}
    return {
        **terms,
        "conditions": {} if options is None else conditions(options, None),
        "baseline": plan.baseline,
        "timed": {cell.name: cell.latency_key for cell in plan.cells},
    }


def _head(cell: Cell, status: str) -> Plain:
    return {
        "schema": SCHEMA,
        "status": status,
        "cell": cell.name,
        "key": cell.key,
        "dataset": cell.dataset.name,
        "data_key": key_of(cell.search.data),
        **row_facts(cell),
        "search": dict(cell.options),
        "k": cell.search.k,
        "versions": {**versions(), **code.versions(cell.offers)},
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _described(row: Row) -> Plain:
    sweep = {"family": row.family, "settings": dict(row.settings)}
    options = {name: str(v) if isinstance(v, Path) else v for name, v in row.given.items()}
    options |= row.kept_facts
    return {
        "name": row.name,
        "use": row.offer.name,
        "plugin": row.offer.plugin,
        "distribution": row.distribution,
        "options": options,
        **({"sweep": sweep} if row.settings else {}),
    }


def _models(cell: Cell, bench: Workbench) -> dict[str, Any]:
    """Return the folder of each model in the cache, and the facts that its trainer gave."""
    models = {}
    for step in (*cell.row.steps, *(cell.index.steps if cell.index else ())):
        if isinstance(step, Train):
            folder = bench.artifact(step).folder / MODEL
            about = folder / ABOUT
            facts = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
            path = folder.relative_to(bench.store.root).as_posix()
            models[step.row.name] = {"folder": path, **facts}
    return models
