"""Names of rows, datasets and files: which no name may be, and which are one file's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from effbench.text.words import JOINERS, shows

NO_TEXT = re.compile("[\0\ud800-\udfff]")


LONGEST_NAME = 190
"""Bytes of a name: files allow 255, and endings and temporary names take some."""


_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
"""Names that mean a device on Windows, whatever follows a point."""


def unfit(name: str) -> str | None:
    """Return why nothing may have this name, None if it may.

    Files, folders, tables and figures are named by it, here and on the computers of others.
    """
    if not name.strip():
        return "is empty"
    for c in name:
        if not shows(c):
            return f"has {c!a}, which terminals, figures and files cannot show"
    if len(name.encode()) > LONGEST_NAME:
        return f"has {len(name.encode()):,} bytes ({LONGEST_NAME} at most)"
    if name[0] == " " or name[-1] in " .":
        return "begins or ends with a blank, or ends with a point: Windows has no such files"
    if _DEVICES.fullmatch(name):
        return "means a device on Windows, which has no such files"
    return None


def unfit_row(name: str) -> str | None:
    """Return why no row may have this name: people type it, too."""
    if any(c.isspace() or c in '/\\:*?"<>|' for c in name):
        return 'has white space or one of / \\ : * ? " < > |'
    if name.startswith(tuple("-=+@")):
        return f"begins with {name[0]}: commands and spreadsheets take it for another thing"
    return unfit(name)


def same_file(name: str) -> str:
    """Return what is equal for names that macOS or Windows take for one file's."""
    plain = name.translate(dict.fromkeys(map(ord, JOINERS)))
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", plain).casefold())


def through(index: str | None, search: Mapping[str, Any]) -> str:
    """Return an index with its search setting, as people are shown it: hnsw efSearch=64."""
    return f"{index or ''}{''.join(f' {name}={value}' for name, value in search.items())}"


def slug(text: str) -> str:
    """Return a name that files can have; none begins with a point, which would hide them."""
    name = "".join(c if c.isalnum() or c in "-_.=+@" else "-" for c in text)
    return f"-{name[1:]}" if name.startswith(".") else name
