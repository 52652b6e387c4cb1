"""The cache as a whole: its artifacts, the runs that use them, and how space is freed.

It may import `plan` and the rooms before it.
"""

from __future__ import annotations
