"""Words of a suite file: what YAML reads otherwise than it looks, and what no name is.

YAML takes ``no`` for false, ``010`` for 8, ``12:30`` for 750, ``2024-01-01`` for a date. What
one meant nobody knows: each is refused, and the message says how to write the one or the other.
"""

from __future__ import annotations

import math
import re
import unicodedata

import yaml

TAG = "tag:yaml.org,2002:"
_KINDS = {
    "bool": "true or false", "float": "a number", "int": "a number", "null": "nothing",
    "timestamp": "a date", "value": "a default", "merge": "a merge",
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")

MOST_DIGITS = 1000
"""Of a number; Python itself refuses to write those of 4300."""

LONGEST_NAME = 190
"""Bytes of a name: files allow 255, and endings and temporary names take some."""

_HISSING = ("sses", "xes", "tches", "rches", "shes")
"""Ends of plurals that have an e which the singular has not."""

_JOINERS = "\u200c\u200d"
"""They have no width, and emoji and Persian are written with them."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
"""Names that mean a device on Windows, whatever follows a point."""


def misread(node: yaml.Node, *, is_key: bool) -> str | None:
    """Return what is wrong with a key or a value, and how to write it; None if nothing is."""
    kind = node.tag.removeprefix(TAG)
    if is_key and not isinstance(node, yaml.ScalarNode):
        return "a key is one word (not a list or a mapping)"
    if kind not in (*_KINDS, "str") if isinstance(node, yaml.ScalarNode) else _unusual(node):
        spelled = node.tag.replace(TAG, "!!")
        return f"the tag {spelled!r} is unknown in suites (leave it out)"
    return _misread(node.value, kind, is_key) if isinstance(node, yaml.ScalarNode) else None


def _unusual(node: yaml.Node) -> bool:
    return node.tag not in (f"{TAG}map", f"{TAG}seq")


def _misread(text: str, kind: str, is_key: bool) -> str | None:
    quoted = f"quote it: '{text}'"
    if _NO_TEXT.search(text):
        return f"{text!r} has a character that no text holds (NUL, or half of a pair)"
    if kind == "str" or (is_key and kind == "merge"):
        return None
    if is_key or kind not in ("bool", "float", "int", "null"):
        return f"YAML reads {text} as {_KINDS[kind]}, not as text ({quoted})"
    if kind == "bool" and text.lower() not in ("true", "false"):
        value = "true" if yaml.SafeLoader.bool_values.get(text.lower()) else "false"
        return f"YAML reads {text} as {value} (write {value}, or {quoted})"
    if kind == "int" and not _INTEGER.match(text):
        return f"YAML does not read {text} as a decimal number (write one, or {quoted})"
    if kind == "float" and not _finite(text):
        return f"YAML does not read {text} as a finite number (write one, or {quoted})"
    if kind in ("int", "float") and len(text) > MOST_DIGITS:
        return f"a number of {len(text):,} digits (take one of at most {MOST_DIGITS:,})"
    return None


def _finite(text: str) -> bool:
    try:
        return math.isfinite(float(text.replace("_", "")))
    except ValueError:  # .inf, .nan, and numbers to the base of 60
        return False


def unfit(name: str) -> str | None:
    """Return why nothing may have this name, None if it may.

    Files, folders, tables and figures are named by it, here and on the computers of others.
    """
    if not name.strip():
        return "is empty"
    for c in name:
        if not _shows(c):
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
    plain = name.translate(dict.fromkeys(map(ord, _JOINERS)))
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", plain).casefold())


def plain_line(text: str, most: int = 400) -> str:
    """Return a text in one line that terminals show as it is, cut in its middle if long."""
    if len(text) > most:
        tail = most // 4  # what mends it stands at the end of a message
        text = f"{text[: most - tail]} ... {text[-tail:]}"
    return "".join(c if _shows(c) else ascii(c)[1:-1] for c in text)


def counted(number: int, nouns: str) -> str:
    """Return a number with its noun, which is given in the plural: 1 query, 2 queries."""
    return f"{number:,} {_singular(nouns) if number == 1 else nouns}"


def paced(per_second: float, nouns: str) -> str:
    """Return a rate: 1,524 docs/s, 2.5 docs/s, and below one a second 2.5 s/doc."""
    if per_second < 1:
        return f"{_short(1 / per_second)} s/{_singular(nouns)}"
    return f"{_short(per_second)} {nouns}/s"


def lasting(seconds: float) -> str:
    """Return a time as one says it: 95 s, 12 min, 3 h 20 min, 2 d 4 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24:,} d {hours % 24} h"


def _short(number: float) -> str:
    return f"{number:,.1f}" if number < 9.95 else f"{number:,.0f}"


def _singular(nouns: str) -> str:
    if nouns.endswith("ies"):
        return f"{nouns[:-3]}y"
    return nouns.removesuffix("es" if nouns.endswith(_HISSING) else "s")


def sized(number: int) -> str:
    """Return a number of bytes as people read it: 812 bytes, 3.1 MB, 7.9 GB."""
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if number >= unit:
            digits = 0 if number >= 100 * unit else 1
            return f"{number / unit:,.{digits}f} {name}"
    return counted(number, "bytes")


def _shows(character: str) -> bool:
    return character.isprintable() or character in _JOINERS
