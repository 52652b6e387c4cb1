"""A suite whose model is trained on a mix of texts, and what its run has made."""

from __future__ import annotations

from pathlib import Path

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
models:
  table:
    use: table
    targets:
      texts: [{queries: target}]
      encoder: words
encoders:
  words: {use: words}
  student: {use: table, model: table, passages: words}
indexes: {plain: {use: plain}}
latency: false
"""
SOURCE = "[{queries: target}]"
LINES = "one two\n\n  three   four \none two\nfive\n"


def made(folder: Path, kind: str) -> list[Path]:
    return [path.parent for path in folder.glob(f"cache/{kind}/*/manifest.json")]
