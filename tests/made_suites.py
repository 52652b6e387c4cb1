"""Suites that several tests begin from."""

from __future__ import annotations

import json

GOOD = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  words: {use: words}
indexes:
  plain: {use: plain}
latency: false
"""


TOYS = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10, RR@10]
encoders:
  words: {use: words}
  light: {use: words-queries, passages: words}
retrievers:
  scan: {use: scan}
indexes:
  plain: {use: plain, search: {depth: [5, 20]}}
latency: false
"""


MANY_DOCS = """\
suite: toys
datasets: [{use: toy, docs: 1500}]
measures: [nDCG@10, RR@10]
encoders: {words: {use: words}}
indexes: {plain: {use: plain}}
latency: false
"""


GROUPED = """\
suite: toys
datasets:
  - {use: toy}
  - group: pair
    datasets: [{use: toy, name: one, docs: 30}, {use: toy, name: two, docs: 21}]
measures: [nDCG@10, RR@10]
encoders:
  words: {use: words, width: 16}
retrievers:
  scan: {use: scan}
indexes:
  plain: {use: plain, search: {depth: [1, 10]}}
latency: false
"""


def lines_of(text: str) -> dict[tuple[str, str], dict]:
    """Return the lines of a leaderboard in JSON, by row and index."""
    (table,) = json.loads(text)
    return {(line["row"], line["index"]): line for line in table["lines"]}


STUDENT = "  typed: {use: typed, passages: words, width: 16, words: 2}\nretrievers:"


PLAIN = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders: {words: {use: words}}
indexes: {plain: {use: plain}}
latency: false
"""


TWO_ROWS = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders: {words: {use: words}}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""
"""An encoder and a retriever."""
