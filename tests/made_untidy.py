"""Suites with a row that leaves something behind in the process."""

from __future__ import annotations

from altered import altered
from made_suites import PLAIN

BEFORE = "encoders: {"


WHO = "encoder 'u' (plugin untidy): "


def with_row(options: str, use: str = "untidy") -> str:
    """Return the suite with a row before the honest one."""
    return altered(PLAIN, BEFORE, f"{BEFORE}u: {{use: {use}, {options}}}, ")
