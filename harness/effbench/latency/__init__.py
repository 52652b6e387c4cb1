"""The clock: latency sessions, in which fresh processes answer one query at a time, in turns.

It may import `cache` and the rooms before it.
"""

from __future__ import annotations
