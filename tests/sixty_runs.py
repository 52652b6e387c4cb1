"""Suites of honest rows with hostile ones between them, and what is wrong with their runs."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from effbench_sixty.states import OUTPUTS

from made_processes import Ended, Forks
from sixty_kinds import ROWS, Kind, is_hostile, suite, without


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
    after = run(forks, folder, without(text), "after")
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
    if odd := controls(found.ended.stderr):
        wrong.append(f"control characters on stderr: {odd}")
    return wrong


def controls(text: str) -> list[str]:
    """Return the control characters of a text, new lines aside."""
    return sorted({c for c in text if unicodedata.category(c) == "Cc" and c != "\n"})


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
    mine = {cell: r for cell, r in found.records.items() if name in cell.split("--")}
    wrong = [] if mine else ["no record of its cells"]
    for cell, record in mine.items():
        if sum(map(is_hostile, cell.split("--"))) == 1:  # of two, either may be named
            wrong += [f"{cell} {one}" for one in _of_a_cell(cell, record, name, kind)]
            if record["status"] == "failed" and f"FAILED {cell}: " not in found.ended.stderr:
                wrong.append(f"{cell} has no line on stderr")
    if kind.does.partition(": ")[2] in OUTPUTS:
        lines = found.ended.stderr.splitlines()
        if not any("noise" in line and f"'{name}'" in line for line in lines):
            wrong.append("its output is not shown under its name")
    return wrong[:2]


def _of_a_cell(cell: str, record: Any, name: str, kind: Kind) -> list[str]:
    who = f"{kind.plugin} '{name}' (plugin sixty): "
    places = (who, f"{name}: ") if kind.plugin == "dataset" else (who,)
    status, error = record["status"], record.get("error", "")
    if status not in {"FAILS": ["failed"], "STANDS": ["done"]}.get(
        kind.fate, ["failed", "done"]
    ):
        return [f"is {status}: {error[:150]}"]
    if status == "failed" and (not error.startswith(places) or len(error.splitlines()) > 1):
        return [f"is misnamed: {error[:150]}"]
    return []
