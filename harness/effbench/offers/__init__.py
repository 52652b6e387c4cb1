"""The installed plugins: what their hooks offer, and which options each factory takes.

It may import `machine` and the rooms before it.
"""

from __future__ import annotations
