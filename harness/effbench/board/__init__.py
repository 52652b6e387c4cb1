"""Statements about records: leaderboards, marks, recommendations, comparisons, changes.

It may import `statistics` and the rooms before it.
"""

from __future__ import annotations
