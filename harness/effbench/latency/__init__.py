"""The clock: sessions of fresh processes that answer one query at a time, in turns.

It may import `cache` and the rooms before it.
"""

from __future__ import annotations
