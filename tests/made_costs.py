"""A suite of which a plan says what it will cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import Result

from altered import altered

COSTLY = """\
suite: toys
datasets: [{use: toy, docs: 600}]
measures: [nDCG@10]
models:
  table: {use: table, targets: {encoder: words, texts: [{titles: {use: toy, docs: 600}}]}}
encoders:
  words: {use: words, pause_ms: 1}
  table: {use: table, model: table, passages: words}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""


OTHER = altered(COSTLY, "docs: 600", "docs: 900, name: other", times=2)


def costs(effbench, path: Path, *more: str) -> dict[str, Any]:
    found = effbench("plan", path, "--json", *more)
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)["costs"]


def bill(effbench, path: Path) -> list[str]:
    lines = effbench("plan", path).stdout.splitlines()
    return [line.removeprefix("cost   ") for line in lines if line.startswith("cost ")]


def finished(found: Result) -> Result:
    assert found.exit_code == 0, found.output
    return found


def written(kinds: str) -> int:
    """Return the bytes of the files that steps of a kind have kept."""
    manifests = Path("cache").glob(f"{kinds}/*/manifest.json")
    return sum(sum(json.loads(path.read_text())["sizes"].values()) for path in manifests)


def row_of(found: dict[str, Any], name: str, does: str = "encode with") -> dict[str, Any]:
    (row,) = (row for row in found["rows"] if (row["does"], row["row"]) == (does, name))
    return row
