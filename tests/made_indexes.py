"""Results made up: records of rows through an approximate index, with their recall."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path


def put_index(
    folder: Path,
    name: str,
    changed: Mapping[int, Callable[[float, int], float]],
    search: Mapping[str, int],
    recall: float = 0.9,
) -> None:
    """Write the record of rows through an approximate index: row -> its value of each query."""
    facts = json.loads((folder / "suite.json").read_text())
    for path in [path for path in folder.glob("data-*.json") if name not in path.name]:
        exact = json.loads(path.read_text())
        number = int(path.stem.split("--")[1])
        if exact["index"]["name"] != "exact" or number not in changed:
            continue
        old = exact["per_query"]["nDCG@10"]
        values = {q: changed[number](v, i) for i, (q, v) in enumerate(old.items())}
        found = dict.fromkeys(old, recall)
        depths = {"R@10": found, "R@100": dict.fromkeys(old, recall / 2)}
        cell = f"{path.stem}--{name}"
        record = exact | {
            "key": f"key-{cell}",
            "index": exact["index"] | {"name": name},
            "search": dict(search),
            "per_query": {"nDCG@10": values},
            "scores": {"nDCG@10": sum(values.values()) / len(values)},
            "recall": {
                "exact": path.stem,
                "key": exact["key"],
                "scores": {m: sum(v.values()) / len(v) for m, v in depths.items()},
                "per_query": depths,
            },
        }
        (folder / f"{cell}.json").write_text(json.dumps(record))
        facts["cells"].append(cell)
    (folder / "suite.json").write_text(json.dumps(facts))
