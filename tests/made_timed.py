"""A suite whose latency is measured, and the sessions that come of it."""

from __future__ import annotations

import json
from pathlib import Path

from altered import altered
from effbench.latency.samples import Session, read_session

TERMS = "{queries: 30, warmup: 12, processes: 2, timeout: 20}"


TIMED = f"""\
suite: toys
datasets: [{{use: toy}}]
encoders:
  words: {{use: words}}
  other: {{use: words, width: 32}}
retrievers: {{scan: {{use: scan}}}}
indexes: {{plain: {{use: plain}}}}
latency: {TERMS}
"""


def with_row(row: str, terms: str = TERMS) -> str:
    return altered(altered(TIMED, "{use: words, width: 32}", row), TERMS, terms)


def sessions(folder: Path) -> list[Session]:
    return [read_session(path) for path in sorted(folder.glob("*/toys/latency/*.npz"))]


def lines(found) -> dict[str, dict]:
    return {line["row"]: line for line in json.loads(found.stdout)[0]["lines"]}
