"""What a run left, looked at by tests."""

from __future__ import annotations

import json
from pathlib import Path

SCANNED = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10, RR@10]
encoders: {words: {use: words}}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""


TEMPORARY = ".0123456789abcdef.part"
"""What a file that is being written is called."""

CELL = "toy--words--plain"


def table(effbench, folder: Path):
    return effbench("leaderboard", folder, "--format", "json")


def lasting(path: Path) -> dict:
    """Return a record less what time decides."""
    record = json.loads(path.read_text())
    return {n: v for n, v in record.items() if n not in ("created", "costs", "sha256")}
