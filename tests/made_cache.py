"""A suite whose artifacts the tests of the cache look at, age and free."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from made_processes import MAIN, environment

CACHED = """\
suite: {name}
datasets: [{{use: toy, docs: {docs}}}]
measures: [nDCG@10]
encoders: {{words: {{use: words}}, wide: {{use: words, width: 96}}}}
retrievers: {{scan: {{use: scan}}}}
indexes: {{plain: {{use: plain}}}}
latency: false
"""


def values(results: Path) -> dict[str, dict]:
    """Return the values of each cell's queries."""
    paths = results.glob("*/*/*--*.json")
    return {path.stem: json.loads(path.read_text())["per_query"] for path in paths}


def folders(cache: Path, kind: str = "*") -> list[Path]:
    """Return the folders of all artifacts, or of those of a kind."""
    return [path for path in cache.glob(f"{kind}/*") if path.is_dir()]


def command(*arguments: object) -> subprocess.Popen[str]:
    """Start the command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *map(str, arguments)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
