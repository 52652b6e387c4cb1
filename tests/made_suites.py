"""Suites that several tests begin from."""

from __future__ import annotations

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
