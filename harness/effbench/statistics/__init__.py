"""Numbers from raw values: intervals, tests, ranks, latency figures, and trust in times.

It may import `latency` and the rooms before it, but not `run`.
"""

from __future__ import annotations
