"""What a test changes of results, so that something has moved."""

from __future__ import annotations

import json
from pathlib import Path

from made_sessions import write_session


def record(root: Path, number: int) -> Path:
    (found,) = root.glob(f"*/made/data-0--{number}.json")
    return found


def edit(path: Path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    content["scores"] = {
        name: sum(values.values()) / len(values)
        for name, values in content["per_query"].items()
    }
    path.write_text(json.dumps(content))


def lowered(by: float, queries: int = 60):
    def change(content: dict) -> None:
        content["key"] = "another"
        values = content["per_query"]["nDCG@10"]
        for query in list(values)[:queries]:
            values[query] -= by

    return change


def time(root: Path, big: float = 10.0, small: float = 5.0, **header) -> None:
    """Measure both rows anew: ms that encoding takes."""
    cells = {"data-0--0": big, "data-0--1": small}
    write_session(
        record(root, 0).parent, "data-0",
        {
            cell: {"encode": [ms] * 12, "end to end": [ms + 0.5] * 12}
            for cell, ms in cells.items()
        },
        keys={cell: f"key-{cell}" for cell in cells},
        **{"processes": 3, "started": "2026-11-26T00:00:00+00:00", **header},
    )  # fmt: skip


BUSY = ["data-0--0", "data-0--1"]
