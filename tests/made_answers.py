"""Made records of which the right answer is known: marks, ties, machines, open loops."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from made_records import write_results
from made_sessions import write_session

OVERLAP = {"queries": 100, "same": 50, "judgments": 200, "seen": 60}
"""From half of the queries on a row is not ranked."""

MANY = 130
"""So many times of a process tell a 95th percentile."""


def write_every_case(root: Path) -> None:
    """Write suites on ``a-machine``, one of them on another machine too."""
    rows = ["big", "middle", "small", "tiny", "least"]
    for machine in ("a-machine", "b-machine"):
        folder = write_results(root, rows=rows, datasets=1, machine=machine, queries=99,
                               suite="plain", retrievers={"scan": 2.0})  # fmt: skip
        change(folder, 3, per_query={"nDCG@10": values_of(folder, 2)})  # a tie
        time_rows(folder, {0: 10.5, 1: 5.5, 2: 3.5, 3: 2.25, 4: 0.125, 5: 2.0}, open_loop=True)
    folder = write_results(root, rows=[*rows, "less", "last"], datasets=1, queries=99,
                           suite="marked")  # fmt: skip
    change(folder, 1, trained_on=["judgments"])
    change(folder, 2, trained_on=["other judgments"], overlap=OVERLAP)
    ms = {0: 10.5, 1: 5.5, 2: 3.5, 3: 1.5, 4: 1.25, 5: 1.0}
    time_rows(folder, ms, unsteady=[3], caching=[4], differing=[5], processes=2)
    folder = write_results(root, rows=rows[:3], datasets=2, queries=99, suite="busy",
                           missing=["small"])  # fmt: skip
    for name in ("data-0", "data-1"):
        time_rows(folder, {0: 10.5, 1: 5.5}, dataset=name, unsteady=[0, 1])
    folder = write_results(root, rows=rows[:2], datasets=1, queries=99, suite="cut")
    facts = json.loads((folder / "suite.json").read_text())
    facts["datasets"] = [{"name": "data-0", "group": None, "note": "99 docs", "cut": True}]
    (folder / "suite.json").write_text(json.dumps(facts))
    folder = write_results(root, rows=rows[:3], datasets=1, queries=99, suite="barred")
    change(folder, 0, trained_on=["judgments"])
    write_results(root, rows=[], datasets=1, suite="alone", retrievers={"scan": 4.0, "b": 3.0})
    folder = write_results(root, rows=rows[:3], datasets=1, queries=99, suite="untimed")
    for path in (folder / "latency").iterdir():
        path.unlink()


def values_of(folder: Path, number: int) -> dict[str, float]:
    """Return the values of a row's queries."""
    record = json.loads((folder / f"data-0--{number}.json").read_text())
    values: dict[str, float] = record["per_query"]["nDCG@10"]
    return values


def change(folder: Path, number: int, **changed: Any) -> None:
    """Change what the record of a row says; its score follows its values."""
    path = folder / f"data-0--{number}.json"
    record = json.loads(path.read_text()) | changed
    values = record["per_query"]["nDCG@10"].values()
    record["scores"] = {"nDCG@10": sum(values) / len(values)}
    path.write_text(json.dumps(record))


def time_rows(
    folder: Path,
    ms: Mapping[int, float],
    *,
    dataset: str = "data-0",
    processes: int = 3,
    open_loop: bool = False,
    threads: int = 1,
    device: str | None = None,
    **wrong: Sequence[int],
) -> None:
    """Give rows, by number, these median times; each kind of ``wrong`` names rows likewise.

    A tenth of the times is twice as long. With ``open_loop``, each process answers 40 queries a
    second at half of its rate, and waits as long again.
    """
    for path in (folder / "latency").glob(f"{dataset}--*"):
        path.unlink()
    times = {
        f"{dataset}--{row}": [2 * time if i % 10 == 0 else time for i in range(MANY)]
        for row, time in ms.items()
    }
    spans = {cell: {"end to end": taken} for cell, taken in times.items()}
    for of in spans.values() if open_loop else ():
        of["response at 50%"] = [2 * time for time in of["end to end"]]
    marked: dict[str, Any] = {
        kind: [f"{dataset}--{row}" for row in rows] for kind, rows in wrong.items()
    }
    write_session(
        folder,
        dataset,
        spans,
        keys={cell: f"key-{cell}" for cell in spans},
        processes=processes,
        conditions={"protocol": 3, "threads": threads, "device": device},
        arrivals=[{"share": 0.5, "asked": 41.0, "per_second": 40.0}] if open_loop else [],
        **marked,
    )
