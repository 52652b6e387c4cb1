"""Files: artifacts that are whole or absent, digests, TREC files, and the files of users.

This room may import `guard` and the rooms before it.
"""

from __future__ import annotations
