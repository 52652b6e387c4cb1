"""Damage files of a cache and of results, one by one, and check that effbench notices it.

    python benchmarks/corruptions.py [--corruptions N] [--seed N] [--folder DIR]

Each kind of file is drawn with the same probability. The kinds are: the files and the manifest
of each kind of step; records; the facts of suite and machine; exported runs; texts of queries;
latency sessions; and the file of remembered digests. Half of the damaged steps have no
manifest, as after a kill. The damage flips a byte, changes a digit, cuts, empties, zeroes or
removes a file, or swaps two files.

Then the leaderboard must show the same figures as before, or name the file that it leaves out.
After a run, records, hits and steps must be the same as without damage. A folder in memory
makes the program several times as fast (--folder /dev/shm).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import disturbed
from damage import damage

KINDS = (
    "data", "domain", "encode", "examples", "index", "model", "queries", "retriever", "run",
    "texts",
)  # fmt: skip
"""The kinds of step."""

RESULTS = {
    "record": "results/*/toys/*--*.json",
    "suite": "results/*/toys/suite.json",
    "machine": "results/*/machine.json",
    "exported run": "results/*/toys/runs/*",
    "query texts": "results/*/toys/queries/*",
    "session": "results/*/toys/latency/*",
    "digests": "cache/digests.json",
}
TIMED = "index s"
"""The column of the leaderboard that differs from run to run."""


def main() -> None:
    """Print what the corruptions led to, and which were neither noticed nor harmless."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corruptions", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where there is room for a folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        begin = time.monotonic()
        became, wrong = corrupt_all(Path(temporary), options.corruptions, options.seed)
    for line in wrong:
        print(f"WRONG: {line}")
    for kind in sorted({kind for kind, _ in became}):
        counts = {result: count for (of, result), count in sorted(became.items()) if of == kind}
        print(f"{kind}: {', '.join(f'{count} {result}' for result, count in counts.items())}")
    print(
        f"{became.total()} corruptions in {time.monotonic() - begin:.0f} s "
        f"({time.process_time() + sum(os.times()[2:4]):.0f} s of processors), "
        f"{len(wrong)} neither noticed nor harmless"
    )
    sys.exit(bool(wrong))


def corrupt_all(
    folder: Path, corruptions: int, seed: int
) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Return (kind of file, result) -> number of corruptions, and what went wrong."""
    chance = random.Random(seed)
    toys, trained = (_Whole(folder / name, name == "trained") for name in ("toys", "trained"))
    became, wrong = Counter[tuple[str, str]](), []
    while became.total() < corruptions:
        number = became.total()
        whole = toys if number % 4 else trained
        kind = chance.choice([*KINDS, *(f"{kind} manifest" for kind in KINDS), *RESULTS])
        copy = folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(whole.folder, copy)
        done = damage(_files(copy, kind), chance)
        if done:
            unfinished = kind in KINDS and chance.random() < 0.5
            label = f"{kind}, unfinished" if unfinished else kind
            result, problems = whole.look(copy, kind, done.paths, unfinished)
            became[label, result] += 1
            wrong += [
                f"corruption {number}, {label}, {done.message}: {problem}"
                for problem in problems
            ]
    return became, wrong


class _Whole:
    """A finished suite with latency sessions, its steps, records and leaderboard."""

    def __init__(self, place: Path, training: bool) -> None:
        self.folder = folder = place / "whole"
        self._suite = disturbed.prepare(place, training=training)
        self._run()
        _add_sessions(folder)
        time.sleep(2.1)  # digests of younger files are not remembered
        self._run()
        self._records, self._exported = disturbed.records(folder), disturbed.exported(folder)
        self._steps, self._table = dict(_steps(folder)), _shown(folder)[0]

    def look(
        self, copy: Path, kind: str, damaged: list[Path], unfinished: bool
    ) -> tuple[str, list[str]]:
        """Return the result of a corruption in a ``copy``, and what is wrong."""
        wrong = []
        table, messages = _shown(copy)
        named = messages is None or any(_cell(path) in messages for path in damaged)
        if _differ(table, self._table) and not named:
            wrong.append("the leaderboard shows other figures and names nothing")
        if kind not in RESULTS:
            steps = {copy.joinpath(*path.relative_to(copy).parts[:3]) for path in damaged}
            _forget_others(copy, steps)
            for step in steps if unfinished else ():
                (step / "manifest.json").unlink()
        code, ended, _ = disturbed.run(self._suite, copy)
        if code:
            wrong.append(f"the run ended with {code}: {ended[-300:]}")
        noticed = named or any(word in ended for word in ("is corrupt", "or damaged"))
        if disturbed.records(copy) != self._records:
            wrong.append("other records after a run")
        if disturbed.exported(copy) != self._exported:
            wrong.append("other runs or texts after a run")
        after = dict(_steps(copy))
        wrong += [f"other bytes: {n}" for n in after if self._steps.get(n) != after[n]]
        wrong += [f"not whole: {name}" for name in disturbed.unsound(copy)]
        table, messages = _shown(copy)
        if _differ(table, self._table) and not (kind == "session" and named):
            wrong.append(f"another leaderboard after a run: {messages}")
        idle = "\n0 cells done" in f"\n{ended}" and "; 0 steps made" in ended
        result = "noticed" if noticed else "harmless" if idle else "made again"
        return result, wrong

    def _run(self) -> None:
        ended = disturbed.run(self._suite, self.folder)
        if ended.code:
            sys.exit(f"the undisturbed run failed:\n{ended.stderr}")


def _add_sessions(folder: Path) -> None:
    """Add latency sessions with made-up times."""
    sys.path.insert(0, str(disturbed.ROOT / "tests"))
    from made_sessions import write_session

    (place,) = folder.glob("results/*/toys")
    timed = json.loads((place / "suite.json").read_text())["latency"]["timed"]
    keys = {p.stem: json.loads(p.read_text())["key"] for p in place.glob("*--*.json")}
    for dataset in ("toy", "more"):
        ms = {
            cell: {"encode": [1.0 + i] * 20, "end to end": [2.0 + i] * 20}
            for i, cell in enumerate(sorted(keys))
            if cell.startswith(f"{dataset}--")
        }
        write_session(place, dataset, ms, keys=keys, timed=timed)


def _shown(folder: Path) -> tuple[dict[tuple[str, str], dict[str, Any]], str | None]:
    """Return the leaderboard's lines by row and index, and its messages.

    The messages are None if the leaderboard cannot be shown.
    """
    results = str(folder / "results")
    ended = disturbed.effbench(folder, "leaderboard", results, "--format", "json")
    try:
        tables = json.loads(ended.stdout)
    except ValueError:
        return {}, None
    lines = {(line["row"], line["index"]): line for table in tables for line in table["lines"]}
    return lines, ended.stderr + json.dumps([table["remarks"] for table in tables])


def _differ(
    shown: dict[tuple[str, str], dict[str, Any]], true: dict[tuple[str, str], dict[str, Any]]
) -> bool:
    """Return whether a table has a figure that the true table does not have."""
    return any(
        value is not None and name != TIMED and value != true.get(line, {}).get(name)
        for line, values in shown.items()
        for name, value in values.items()
    )


def _files(folder: Path, kind: str) -> list[Path]:
    if kind in RESULTS:
        return sorted(folder.glob(RESULTS[kind]))
    of = kind.removesuffix(" manifest")
    files = sorted(path for path in folder.glob(f"cache/{of}/*/**/*") if path.is_file())
    return [path for path in files if (path.name == "manifest.json") == (of != kind)]


def _forget_others(folder: Path, steps: set[Path]) -> None:
    """Remove the records, and all steps except ``steps``, so that a run reads these."""
    for path in folder.glob(RESULTS["record"]):
        path.unlink()
    for step in folder.glob("cache/*/*/"):
        if step not in steps:
            shutil.rmtree(step)


def _steps(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of steps that contain no times: no manifests, no facts of shards."""
    for path in folder.glob("cache/*/*/**/*"):
        timed = path.name == "manifest.json" or (path.suffix == ".json" and path.stem.isdigit())
        if path.is_file() and not timed:
            yield str(path.relative_to(folder)), path.read_bytes()


def _cell(path: Path) -> str:
    """Return the name of a file in messages: the name of its cell if it has one."""
    return path.name.removesuffix(".json") if "--" in path.name else path.name


if __name__ == "__main__":
    main()
