"""Words in a suite that YAML does not read as they look.

YAML reads ``no`` as false, ``010`` as 8, ``12:30`` as 750, ``2024-01-01`` as a date. Nobody
knows what the writer meant. So each is refused, and the message says how to write both.
"""

from __future__ import annotations

import math
import re

import yaml

from effbench.text.names import NO_TEXT

TAG = "tag:yaml.org,2002:"

_KINDS = {
    "bool": "true or false", "float": "a number", "int": "a number", "null": "nothing",
    "timestamp": "a date", "value": "a default", "merge": "a merge",
}  # fmt: skip

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$")

MOST_DIGITS = 1000
"""Most digits of a number; Python refuses to write numbers of more than 4300 digits."""


def misread(node: yaml.Node, *, is_key: bool) -> str | None:
    """Return the mistake of a key or a value, and how to write it; None if it has none."""
    kind = node.tag.removeprefix(TAG)
    if is_key and not isinstance(node, yaml.ScalarNode):
        return "a key is one word (not a list or a mapping)"
    if kind not in (*_KINDS, "str") if isinstance(node, yaml.ScalarNode) else _has_tag(node):
        spelled = node.tag.replace(TAG, "!!")
        return f"the tag {spelled!r} is unknown in suites (leave it out)"
    return _misread(node.value, kind, is_key) if isinstance(node, yaml.ScalarNode) else None


def _has_tag(node: yaml.Node) -> bool:
    return node.tag not in (f"{TAG}map", f"{TAG}seq")


def _misread(text: str, kind: str, is_key: bool) -> str | None:
    quoted = f"quote it: '{text}'"
    if NO_TEXT.search(text):
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
