"""Names of rows, datasets and files: which are refused, and which mean the same file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from effbench.text.words import JOINERS, shows

NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""Characters that no file of UTF-8 text can hold: NUL, and half of a surrogate pair."""

LONGEST_NAME = 190
"""The most bytes of a name: a file's name has 255 at most, and endings need some of them."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
"""Names that mean a device on Windows, with any ending."""


def unfit(name: str) -> str | None:
    """Return the reason to refuse a name, or None if the name is allowed.

    Files, folders, tables and figures get this name, also on computers with other systems.
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
    """Return the reason to refuse a row's name, or None: users also type it in a shell."""
    if any(c.isspace() or c in '/\\:*?"<>|' for c in name):
        return 'has white space or one of / \\ : * ? " < > |'
    if name.startswith(tuple("-=+@")):
        return f"begins with {name[0]}: commands and spreadsheets take it for another thing"
    return unfit(name)


def same_file(name: str) -> str:
    """Return a form that two names share when macOS or Windows take them for the same file."""
    plain = name.translate(dict.fromkeys(map(ord, JOINERS)))
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", plain).casefold())


def index_label(index: str | None, search: Mapping[str, Any]) -> str:
    """Return an index with its search setting, as tables show it: hnsw efSearch=64."""
    return f"{index or ''}{''.join(f' {name}={value}' for name, value in search.items())}"


def slug(text: str) -> str:
    """Return a file name for ``text``; it begins with no point, which would hide the file."""
    name = "".join(c if c.isalnum() or c in "-_.=+@" else "-" for c in text)
    return f"-{name[1:]}" if name.startswith(".") else name
