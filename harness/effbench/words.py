"""Words of a suite file that YAML reads otherwise than they look.

YAML takes ``no`` for false, ``010`` for 8, ``12:30`` for 750, ``2024-01-01`` for a date. What
one meant nobody knows: each is refused, and the message says how to write the one or the other.
"""

from __future__ import annotations

import math
import re

import yaml

_TAG = "tag:yaml.org,2002:"
_KINDS = {
    "bool": "true or false", "float": "a number", "int": "a number", "null": "nothing",
    "timestamp": "a date",
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def misread(node: yaml.Node, *, is_key: bool) -> str | None:
    """Return what is wrong with a key or a value, and how to write it; None if nothing is."""
    kind = node.tag.removeprefix(_TAG)
    if not isinstance(node, yaml.ScalarNode):
        usual = kind in ("map", "seq")
        return None if usual else f"{node.tag!r} is unknown here (give a list or a mapping)"
    text, quoted = node.value, f"quote it: '{node.value}'"
    if _NO_TEXT.search(text):
        return f"{text!r} has a character that no text holds (NUL, or half of a pair)"
    if kind == "str" or (is_key and kind == "merge"):
        return None
    if is_key or kind not in ("bool", "float", "int", "null"):
        return f"YAML reads {text} as {_KINDS.get(kind, node.tag)}, not as text ({quoted})"
    if kind == "bool" and text.lower() not in ("true", "false"):
        value = "true" if yaml.SafeLoader.bool_values.get(text.lower()) else "false"
        return f"YAML reads {text} as {value} (write {value}, or {quoted})"
    if kind == "int" and not _INTEGER.match(text):
        return f"YAML does not read {text} as a decimal number (write one, or {quoted})"
    if kind == "float" and not _finite(text):
        return f"YAML does not read {text} as a finite number (write one, or {quoted})"
    return None


def _finite(text: str) -> bool:
    try:
        return math.isfinite(float(text.replace("_", "")))
    except ValueError:  # .inf, .nan, and numbers to the base of 60
        return False


def plain_name(name: str) -> bool:
    """Tell whether a row may have this name: people type it, and files are named by it."""
    return bool(name) and not any(
        c.isspace() or not c.isprintable() or c in '/\\:*?"<>|' for c in name
    )
