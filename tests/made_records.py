"""Results made up: records and latency sessions of any number of rows and datasets."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from made_sessions import write_session

NASTY = [
    "<img src=x onerror=window.broken=1>",
    "</script><b>bold</b>",
    "'quoted' \"twice\" & `ticked`",
    "=1+1",
    "a|b_c*d$e%f#g{h}i~j^k\\l",
    "אבג \u202eabc",
    "\U0001f680 rocket",
    "long " * 60 + "end",
]
"""Names that break what takes text for markup, formulas or commands."""


EVIL = "\x1b]0;title\x07\x1b[2J\x9b31m\r\u202egnp\u2066\u2028x\x85\x7f\b"
"""A title, a cleared screen, a colour in 8 bits, a carriage return, text turned around."""

SLY = "\u202egnp\u2066\u2028x\u200f"
"""What reading lets pass in names: text turned around, and a line of its own."""

HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")

OFFER = {"use": "made", "plugin": "made", "distribution": "made 1", "options": {}}


def record_of(row: str, dataset: str, key: str, values: dict[str, float]) -> dict[str, object]:
    """Return the record of a cell that is done, with these values of its queries."""
    return {
        "schema": 1,
        "status": "done",
        "key": key,
        "dataset": dataset,
        "row": {"name": row, **OFFER},
        "passages": None,
        "trained_on": [],
        "index": {"name": "exact", **OFFER},
        "search": {},
        "k": 10,
        "scores": {"nDCG@10": sum(values.values()) / len(values)},
        "per_query": {"nDCG@10": values},
        "queries": {"queries": len(values)},
        "costs": {"index_bytes": 1000},
        "versions": {"effbench": "0.1.0"},
        "created": "2026-11-25T00:00:00+00:00",
    }


def write_results(
    root: Path,
    *,
    rows: Sequence[str],
    datasets: int,
    machine: str = "a-machine",
    missing: Collection[str] = (),
    queries: int = 30,
    suite: str = "made",
    retrievers: Mapping[str, float] | None = None,
    **given: object,
) -> Path:
    """Write the records of a suite; rows in ``missing`` lack the last dataset.

    The first row is the baseline; each is a little worse and faster than the one before, and
    its search takes 0.5 ms. Retrievers come after them: name -> ms that the whole answer takes.
    """
    rows = [*rows, *(retrievers or {})]
    chance = random.Random(machine)
    folder = root / machine / suite
    folder.mkdir(parents=True)
    names = [f"data-{i}" for i in range(datasets)]
    cells = {(d, r): f"{d}--{i}" for d in names for i, r in enumerate(rows)}
    keys = {cell: f"key-{cell}" for cell in cells.values()}
    for (dataset, row), cell in cells.items():
        if row in missing and dataset == names[-1]:
            continue
        level = 0.6 - 0.3 * rows.index(row) / len(rows)
        values = {
            f"q{q}": min(0.95, max(0.05, chance.gauss(level, 0.2))) for q in range(queries)
        }
        record = record_of(row, dataset, keys[cell], values) | given
        if row in (retrievers or {}):
            record |= {"index": None, "search": {}}
        (folder / f"{cell}.json").write_text(json.dumps(record))
    for dataset in names:
        ms = {
            cells[dataset, row]: _spans(10.0 / (1 + i), (retrievers or {}).get(row))
            for i, row in enumerate(rows)
            if not (row in missing and dataset == names[-1])
        }
        write_session(folder, dataset, ms, keys=keys, processes=3)
    facts = {
        "schema": 1,
        "suite": suite,
        "measures": ["nDCG@10"],
        "k": 10,
        "datasets": [{"name": name, "group": None} for name in names],
        "latency": {
            "baseline": rows[0] if rows[0] not in (retrievers or {}) else None,
            "processes": 3,
            "conditions": {},
            "timed": {},
        },
        "expected": {"scores": {}, "tolerance": 0.001, "index": "exact"},
        "cells": list(cells.values()),
    }
    (folder / "suite.json").write_text(json.dumps(facts))
    return folder


def mark_sweeps(folder: Path) -> None:
    """Make each row whose name has a blank, such as ``gru layers=2``, a member of a sweep."""
    for path in folder.glob("data-*.json"):
        record = json.loads(path.read_text())
        for part in (record["row"], record["index"] or {"name": ""}):
            family, *settings = part["name"].split(" ")
            if settings:
                labels = dict(setting.split("=") for setting in settings)
                part["sweep"] = {"family": family, "settings": labels}
        path.write_text(json.dumps(record))


def _spans(encode: float, whole: float | None) -> dict[str, list[float]]:
    """Return what a row takes, in ms: a retriever's whole answer is all that is known of it."""
    if whole is not None:
        return {"end to end": [whole] * 12}
    return {"encode": [encode] * 12, "end to end": [encode + 0.5] * 12}


def write_task(folder: Path, task: str, scores: dict[str, float], split: str = "test") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    entry = {"hf_subset": "default", "languages": ["eng-Latn"], "main_score": 0, **scores}
    path = folder / f"{task}.json"
    content = {"task_name": task, "mteb_version": "2.20.0", "scores": {split: [entry]}}
    path.write_text(json.dumps(content))
    return path


def mteb_lines(effbench, named: Path, *options: object) -> dict[str, dict]:
    found = effbench("leaderboard", named, "--format", "json", *options)
    assert found.exit_code == 0, found.output
    (table,) = json.loads(found.stdout)
    return {line["row"]: line for line in table["lines"]}


def file_of(two_suites: Path, kind: str) -> Path:
    found = two_suites / "a-machine" / "made"
    if kind == "session":
        return next((found / "latency").glob("data-0--*"))
    names = {"record": "data-0--1.json", "suite": "suite.json", "texts": "queries/data-0.json"}
    return found / names[kind]
