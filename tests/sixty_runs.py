"""Suites of honest rows with hostile ones between them, and what is wrong with their runs."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import effbench_sixty_loading
from effbench_sixty import datasets, encoders, indexes, retrievers, trainers
from effbench_sixty.states import OUTPUTS

from made_processes import Ended, Forks

MODULES = {
    "dataset": datasets,
    "encoder": encoders,
    "index": indexes,
    "retriever": retrievers,
    "model": trainers,
}
SECTIONS = {name: "indexes" if name == "index" else f"{name}s" for name in MODULES}
TOY = {"use": "toy", "docs": 30}
TARGETS = {"encoder": "first", "texts": [{"queries": TOY}]}
Start = Callable[..., Ended]
"""Runs a command line."""

ROWS = ("near", "far", "first", "taught", "last")


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


def suite(given: Sequence[Kind] = ()) -> dict[str, Any]:
    """Return the suite of the honest rows with hostile ones between them: h0, h1, ...

    Honest rows that would say nothing about these kinds are spared.
    """
    hostile: dict[str, dict[str, Any]] = {plugin: {} for plugin in MODULES}
    for number, kind in enumerate(given):
        hostile[kind.plugin][f"h{number}"] = {"use": "sixty", "does": kind.does}
    data = [{**entry, "name": name} for name, entry in hostile["dataset"].items()]
    models = {name: {**row, "targets": TARGETS} for name, row in hostile["model"].items()}
    taught = {"use": "table", "passages": "first"}
    found = {
        "suite": "sixty",
        "datasets": [TOY, *data, {**TOY, "docs": 24, "name": "toys"}],
        "measures": ["nDCG@10", "RR@10"],
        "models": {"taught": {"use": "table", "targets": TARGETS}, **models},
        "encoders": {
            "first": {"use": "witness", "width": 31},
            **hostile["encoder"],
            **{name: {**taught, "model": name} for name in ("taught", *models)},
            "last": {"use": "witness", "width": 47},
        },
        "retrievers": {
            "near": {"use": "witness"},
            **hostile["retriever"],
            "far": {"use": "scan"},
        },
        "indexes": {"plain": {"use": "witness"}, **hostile["index"], "deep": {"use": "plain"}},
        "latency": False,
    }
    plugins = {kind.plugin for kind in given}
    spared: list[tuple[str, str]] = []
    if given and "dataset" not in plugins:
        found["datasets"].pop()
    if given and "index" not in plugins:
        spared += [("indexes", "deep")]
    if plugins in ({"dataset"}, {"index"}):
        spared += [("encoders", "taught"), ("retrievers", "far"), ("encoders", "last")]
    for section, name in spared:
        del found[section][name]
    return found


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


def run(forks: Forks, folder: Path, text: Mapping[str, Any], results: str) -> Run:
    """Run a suite in a process of its own."""
    path = folder / f"{results}.yaml"
    path.write_text(json.dumps(text, indent=1))
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
    text = suite(given)
    found = run(forks, folder, text, "hostile")
    wrong = _of_the_end(found)
    fails = any(record["status"] == "failed" for record in found.records.values())
    if found.ended.code != int(fails or any(kind.fate == "FAILS" for kind in given)):
        wrong.append(f"exit code {found.ended.code}")
    wrong += _of_the_honest(found, honest, text)
    for number, kind in enumerate(given):
        wrong += [f"{kind}: {one}" for one in _of_the_hostile(found, f"h{number}", kind)]
    after = run(forks, folder, _without(text), "after")
    wrong += [f"afterwards: {one}" for one in _of_the_honest(after, honest, text)]
    made = "; 0 steps made;" not in after.ended.stderr
    if made and not any("deletes" in kind.does for kind in given):
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


def _without(text: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same suite without its hostile rows."""
    rows = ("encoders", "retrievers", "indexes", "models")
    datasets = [entry for entry in text["datasets"] if entry["use"] != "sixty"]
    kept = {
        section: {name: row for name, row in text[section].items() if not _hostile(name)}
        for section in rows
    }
    return {**text, **kept, "datasets": datasets}


def _hostile(name: str) -> bool:
    return name[0] == "h" and name[1:].isdigit()


def _of_the_honest(found: Run, honest: Run, text: Mapping[str, Any]) -> list[str]:
    now, rows = found.numbers(), {**text["encoders"], **text["retrievers"]}
    wanted = [
        name
        for name in honest.numbers()
        if name.split("--")[0] in {one.get("name", "toy") for one in text["datasets"]}
        and name.split("--")[1] in rows
        and not {*name.split("--")[2:]} - {*text["indexes"]}
    ]
    lost = {name: found.records.get(name) for name in wanted if name not in now}
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
        if sum(map(_hostile, cell.split("--"))) > 1:
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
    if kind.does.partition(": ")[2] in OUTPUTS:
        lines = found.ended.stderr.splitlines()
        if not any("noise" in line and f"'{name}'" in line for line in lines):
            wrong.append("its output is not shown under its name")
    return wrong[:2]


def planned(start: Start, folder: Path, given: Sequence[Kind]) -> list[str]:
    """Return what is wrong with the plan of hostile kinds: each is a line that names it."""
    text = suite(given)
    text["retrievers"]["near"] = {"use": "scan", "twise": True}  # another mistake beside
    for number, kind in enumerate(given):
        if kind.does.startswith("splits"):  # asked for when one trains on it
            data = {"examples": [{"training": {"use": "sixty", "does": kind.does}}]}
            text["models"][f"h{number}"] = {"use": "centroids", "data": data}
            text["datasets"] = [one for one in text["datasets"] if one.get("does") != kind.does]
    (path := folder / "plan.yaml").write_text(json.dumps(text, indent=1))
    ended = start("plan", path, "--cache", folder / "cache")
    wrong = ["a traceback"] * ("Traceback" in ended.stderr)
    if ended.code != 2:
        wrong.append(f"exit code {ended.code}: {ended.stderr[-150:]}")
    if "retrievers.near" not in ended.stderr:
        wrong.append("other mistakes are not told")
    for number, kind in enumerate(given):
        where = f": {SECTIONS[kind.plugin]}.h{number}: "
        if kind.plugin == "dataset":
            known = [one.get("name") for one in text["datasets"]]
            at = known.index(f"h{number}") if f"h{number}" in known else -1
            where = f": datasets.{at}: " if at >= 0 else f": models.h{number}"
        named = [
            f"{kind.plugin} '{who}' (plugin sixty)"
            for who in (f"h{number}", "sixty", "hostile")
        ]
        lines = [line for line in ended.stderr.splitlines() if where in line]
        place = kind.does.partition(": ")[0]
        if not any(name in line for name in named for line in lines):
            wrong.append(f"{kind}: no line names it: {str(lines)[:150]}")
        elif place not in ("init", "check") and not any(place in line for line in lines):
            wrong.append(f"{kind}: no line names {place}: {lines[0][:150]}")
    return wrong


LOADING = effbench_sixty_loading.KINDS


def loaded(start: Start, folder: Path) -> list[str]:
    """Return what is wrong when a plugin is hostile while it is loaded."""
    (path := folder / "plain.yaml").write_text(json.dumps(suite(), indent=1))
    plan = ("plan", path, "--cache", folder / "cache")
    wrong, said = [], {}
    for command in (plan, ("plugins",), ("plugins", "--json")):
        ended = start(*command)
        shown = f"{command[0]} {command[-1]}"
        fine = (0, 1) if command[0] == "plugins" else (0,)  # 1: it lists a broken one
        if ended.code not in fine or "Traceback" in ended.stderr:
            wrong.append(f"{shown}: exit code {ended.code}: {ended.stderr[-150:]}")
        elif command[-1] == "--json":
            try:
                json.loads(ended.stdout)
            except ValueError:
                wrong.append(f"{shown}: stdout is no JSON: {ended.stdout[:60]!r}")
        if any(
            unicodedata.category(c) == "Cc" and c != "\n" for c in ended.stdout + ended.stderr
        ):
            wrong.append(f"{shown}: control characters")
        said[command[0]] = ended
    if "sixty_loading" not in said["plugins"].stdout and not wrong:
        wrong.append("plugins does not list it")
    return wrong
