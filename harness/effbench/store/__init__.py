"""Bytes on disk, whole or absent: artifacts, digests, TREC files, files that people bring.

It may import `guard` and the rooms before it.
"""

from __future__ import annotations
