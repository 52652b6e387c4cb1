"""The views of boards, sessions, plans and records: on a terminal, in files, and as a page.

It may import `board` and the rooms before it.
"""

from __future__ import annotations
