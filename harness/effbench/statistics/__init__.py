"""Figures from raw values: intervals, tests, ranks, latencies, and whether times are sound.

It may import `latency` and the rooms before it, but not `run`.
"""

from __future__ import annotations
