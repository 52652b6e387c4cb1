"""Latency sessions made up: the times that a test says, under the terms that it says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from effbench.latency import samples as kept
from effbench.latency.samples import Block, Recording

HEADER: dict[str, Any] = {
    "spans": [],
    "conditions": {"protocol": 3, "threads": 1},
    "fingerprint": {"platform": {"hardware": {"cpu": {"model": "made-up"}}}},
    "warnings": [],
    "state": [],
    "started": "2026-11-25T00:00:00.000+00:00",
    "errors": {},
}


def write_session(
    folder: Path,
    dataset: str,
    ms: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    keys: Mapping[str, str] | None = None,
    timed: Mapping[str, str] | None = None,
    processes: int = 5,
    unsteady: Sequence[str] = (),
    caching: Sequence[str] = (),
    differing: Sequence[str] = (),
    kernel_ns: int = 1000,
    arrivals: Sequence[Mapping[str, float]] = (),
    **header: Any,
) -> Path:
    """Write what each cell's spans take (cell -> span -> ms a query), alike in each process.

    Cells in ``unsteady`` had the machine change its speed in all their blocks, those in
    ``caching`` look up what they were asked before, those in ``differing`` answer otherwise
    than in the quality pass; ``kernel_ns`` is what the calibration took, and ``arrivals`` are
    the open loops of each process.
    """
    count = max(len(times) for spans in ms.values() for times in spans.values())
    rows = {
        cell: {
            "row": cell,
            "index": None,
            "search": {},
            "key": (keys or {}).get(cell, "key"),
            "timed": (timed or {}).get(cell, "timed"),
            "differs": {"end to end": ["q0"]} if cell in differing else {},
        }
        for cell in ms
    }
    samples = Recording({**HEADER, "dataset": dataset})
    samples.header |= {
        "spans": [],
        "rows": rows,
        "baseline": next(iter(ms)),
        "queries": [f"q{i}" for i in range(count)],
        "words": [4] * count,
        "processes": [
            {
                "cell": cell,
                "process": process,
                "fresh_ns": [9] * 4,
                "again_ns": [1 if cell in caching else 9] * 4,
                "arrivals": list(arrivals),
            }
            for cell in ms
            for process in range(processes)
        ],
        **header,
    }
    for row, (cell, spans) in enumerate(ms.items()):
        for process in range(processes):
            after = kernel_ns * 12 // 10 if cell in unsteady else kernel_ns
            samples.blocks.append(Block(row, process, 0, 0, (kernel_ns, after), 0.0, 0, 0))
            for span, times in spans.items():
                taken = [int(one * 1e6) for one in times]
                samples.add(row, span, process, 0, range(len(taken)), taken)
    return kept.write(folder, samples)


SUITE = """\
suite: toys
datasets: [{use: toy}, {use: toy, name: more, docs: 21}]
measures: [nDCG@10]
encoders:
  words: {use: words}
  typed: {use: typed, passages: words, words: 1}
indexes: {plain: {use: plain}}
latency: false
"""
QUICK = [1.0, 1.1, 0.9, 1.0] * 5
SLOW = [10.0, 11.0, 9.0, 10.0] * 5
WORDS = {"encode": SLOW, "end to end": SLOW}
TYPED = {"encode": QUICK, "after last word": [0.5] * 20, "end to end": QUICK}


class Board:
    """A suite that has run without latency, to which sessions can be added."""

    def __init__(self, effbench, suite, root: Path) -> None:
        self.effbench, self.root = effbench, root
        effbench("run", suite(SUITE), "--results", root)
        (self.folder,) = root.glob("*/toys")
        suite_facts = json.loads((self.folder / "suite.json").read_text())
        self.timed = suite_facts["latency"]["timed"]
        self.keys = {
            path.stem: json.loads(path.read_text())["key"]
            for path in self.folder.glob("*--*.json")
        }

    def add(self, dataset: str, *, words=WORDS, typed=TYPED, **header) -> Path:
        spans = {"words": words, "typed": typed}
        cells = {f"{dataset}--{row}--plain": own for row, own in spans.items() if own}
        return write_session(
            self.folder, dataset, cells, keys=self.keys, timed=self.timed, **header
        )

    def both(self, **header) -> None:
        for dataset in ("toy", "more"):
            self.add(dataset, **header)

    def table(self) -> dict:
        found = self.effbench("leaderboard", self.root, "--format", "json")
        assert found.exit_code == 0, found.output
        (table,) = json.loads(found.stdout)
        return table

    def line(self, row: str) -> dict:
        return next(line for line in self.table()["lines"] if line["row"] == row)

    def compare(self, *arguments: str):
        return self.effbench("compare", *arguments, "--results", self.root)
