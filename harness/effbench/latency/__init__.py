"""The clock: latency sessions, in which fresh processes take turns to answer single queries.

It may import `making` and the rooms before it.
"""

from __future__ import annotations
