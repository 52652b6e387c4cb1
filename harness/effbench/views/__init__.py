"""How it looks: tables on a terminal, Markdown, CSV, JSON and LaTeX, and the page.

It may import `board` and the rooms before it.
"""

from __future__ import annotations
