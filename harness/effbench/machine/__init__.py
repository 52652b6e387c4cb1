"""The computer: its facts, its fingerprint, its present state, its energy counters.

This room may import `store` and the rooms before it.
"""

from __future__ import annotations
