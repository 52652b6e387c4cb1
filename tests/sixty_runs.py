"""Suites of honest rows with hostile ones between them, and what is wrong with their runs."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from effbench_sixty import datasets, encoders, indexes, retrievers, trainers
from made_processes import Ended, Forks

MODULES = {
    "dataset": datasets,
    "encoder": encoders,
    "index": indexes,
    "retriever": retrievers,
    "model": trainers,
}
TARGETS = "{encoder: first, texts: [{queries: {use: toy, docs: 30}}]}"
SUITE = """\
suite: sixty
datasets:
- {use: toy, docs: 30}
DATASETS- {use: toy, docs: 24, name: toys}
measures: [nDCG@10, RR@10]
models:
  taught: {use: table, targets: TARGETS}
MODELSencoders:
  first: {use: witness, width: 31}
ENCODERS  taught: {use: table, model: taught, passages: first}
  last: {use: witness, width: 47}
retrievers:
  near: {use: witness}
RETRIEVERS  far: {use: scan}
indexes:
  plain: {use: witness}
INDEXES  deep: {use: plain}
latency: false
"""
ROWS = ("first", "taught", "last", "near", "far")


class Kind(NamedTuple):
    """One kind of hostile plugin, and whether its cells must fail."""

    plugin: str
    does: str
    fate: str
    """``FAILS``, ``STANDS`` or ``PLANS``, as its table is called."""

    def __str__(self) -> str:
        return f"{self.plugin}: {self.does}"


def kinds(fate: str) -> list[Kind]:
    """Return all kinds of one fate."""
    return [
        Kind(plugin, f"{place}: {name}", fate)
        for plugin, module in MODULES.items()
        for place, named in getattr(module, fate, {}).items()
        for name in named
    ]


def suite(given: Sequence[Kind] = ()) -> str:
    """Return the suite of the honest rows with hostile ones between them: h0, h1, ..."""
    lines: dict[str, list[str]] = {name: [] for name in (*MODULES, "student")}
    for number, kind in enumerate(given):
        does = json.dumps(kind.does)
        lines[kind.plugin].append(f"  h{number}: {{use: sixty, does: {does}}}\n")
        if kind.plugin == "dataset":
            lines["dataset"][-1] = f"- {{use: sixty, name: h{number}, does: {does}}}\n"
        if kind.plugin == "model":
            row = f"{{use: sixty, targets: {TARGETS}, does: {does}}}"
            lines["model"][-1] = f"  h{number}: {row}\n"
            student = f"  h{number}: {{use: table, model: h{number}, passages: first}}\n"
            lines["student"].append(student)
    text = SUITE.replace("TARGETS", TARGETS)
    lines["encoder"] += lines["student"]
    for plugin in MODULES:
        section = {"index": "INDEXES"}.get(plugin, f"{plugin.upper()}S")
        text = text.replace(section, "".join(lines[plugin]))
    return text


class Run(NamedTuple):
    """A run of a suite: how it ended, its records, and its exported runs, by cell."""

    ended: Ended
    records: Mapping[str, Any]
    runs: Mapping[str, bytes]

    def numbers(self) -> dict[str, Any]:
        """Return what must be bit-equal of each honest cell that is done."""
        return {
            name: (record["scores"], record["per_query"], self.runs.get(name))
            for name, record in self.records.items()
            if record["status"] == "done" and _honest(name)
        }


def _honest(name: str) -> bool:
    dataset, row, *index = name.split("--")
    return dataset in ("toy", "toys") and row in ROWS and set(index) <= {"plain", "deep"}


def run(forks: Forks, folder: Path, given: Sequence[Kind], results: str) -> Run:
    """Run a suite with these kinds in a process of its own."""
    path = folder / f"{results}.yaml"
    path.write_text(suite(given))
    places = ("--cache", folder / "cache", "--results", folder / results)
    ended = forks.run("run", path, *places, "--json")
    records = {}
    for found in (folder / results).glob("*/sixty/*--*.json"):
        records[found.stem] = json.loads(found.read_text())
    runs = {}
    for found in (folder / results).glob("*/sixty/runs/*.trec.gz"):
        runs[found.name.removesuffix(".trec.gz")] = found.read_bytes()
    return Run(ended, records, runs)


def complaints(forks: Forks, folder: Path, given: Sequence[Kind], honest: Run) -> list[str]:
    """Return what is wrong with a run of hostile kinds, and of honest rows after it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = run(forks, folder, given, "hostile")
    wrong = _of_the_end(found)
    fails = any(record["status"] == "failed" for record in found.records.values())
    if found.ended.code != int(fails or any(kind.fate == "FAILS" for kind in given)):
        wrong.append(f"exit code {found.ended.code}")
    wrong += _of_the_honest(found, honest)
    for number, kind in enumerate(given):
        wrong += [f"{kind}: {one}" for one in _of_the_hostile(found, f"h{number}", kind)]
    after = run(forks, folder, (), "after")
    wrong += [f"afterwards: {one}" for one in _of_the_honest(after, honest)]
    made = "; 0 steps made;" not in after.ended.stderr
    if made and not any("delete" in kind.does for kind in given):
        wrong.append("afterwards: steps were made again")
    return wrong


def _of_the_end(found: Run) -> list[str]:
    wrong = []
    try:
        json.loads(found.ended.stdout)
    except ValueError:
        wrong.append(f"stdout is no JSON: {found.ended.stdout[:60]!r}")
    if "Traceback" in found.ended.stderr:
        last = found.ended.stderr.rstrip().rpartition("\n")[2]
        wrong.append(f"a traceback: {last[:100]}")
    odd = {c for c in found.ended.stderr if unicodedata.category(c) == "Cc" and c != "\n"}
    if odd:
        wrong.append(f"control characters on stderr: {sorted(odd)}")
    return wrong


def _of_the_honest(found: Run, honest: Run) -> list[str]:
    now = found.numbers()
    lost = {name: found.records.get(name) for name in honest.numbers() if name not in now}
    wrong = [
        f"honest cells are not done: {', '.join(sorted(lost)[:2])} ... {len(lost)}: "
        + str(next((r["error"] for r in lost.values() if r), "no record"))[:150]
    ] * bool(lost)
    other = [name for name, numbers in now.items() if honest.numbers()[name] != numbers]
    if other:
        wrong.append(f"other numbers: {', '.join(sorted(other)[:2])} ... {len(other)}")
    return wrong


def _of_the_hostile(found: Run, name: str, kind: Kind) -> list[str]:
    who = f"{kind.plugin} '{name}' (plugin sixty): "
    places = (who, f"{name}: ") if kind.plugin == "dataset" else (who,)
    wrong = []
    mine = {cell: r for cell, r in found.records.items() if name in cell.split("--")}
    if not mine:
        return ["no record of its cells"]
    for cell, record in mine.items():
        alone = sum(part.startswith("h") and part[1:].isdigit() for part in cell.split("--"))
        if alone > 1:
            continue  # two hostile rows in one cell: either may be named
        error = record.get("error", "")
        if record["status"] == "done" and kind.fate == "STANDS":
            continue
        if record["status"] != "failed":
            wrong.append(f"{cell} is {record['status']}")
        elif not error.startswith(places) or len(error.splitlines()) > 1:
            wrong.append(f"{cell}: misnamed: {error[:150]}")
        elif f"FAILED {cell}: " not in found.ended.stderr:
            wrong.append(f"{cell}: no line on stderr")
    if ": prints" in kind.does or ": writes" in kind.does:
        lines = found.ended.stderr.splitlines()
        if not any("noise" in line and f"'{name}'" in line for line in lines):
            wrong.append("its output is not shown under its name")
    return wrong[:2]
