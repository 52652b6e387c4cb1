"""Numbers and long texts in a readable form: 2 queries, 95 s, 3.1 MB."""

from __future__ import annotations

from collections.abc import Sequence

JOINERS = "\u200c\u200d"
"""Characters of no width that emoji and Persian need."""

_FEW = 3
"""Names of many that a line has room for."""

_HISSING = ("sses", "xes", "tches", "rches", "shes")
"""Endings of plurals that lose "es", not only "s", in the singular."""


def plain_line(text: str, most: int = 400) -> str:
    """Return a text in one line that terminals can show; a long text loses its middle."""
    if len(text) > most:
        tail = most // 4  # the end of a message says how to mend it
        text = f"{text[: most - tail]} ... {text[-tail:]}"
    return "".join(c if shows(c) else ascii(c)[1:-1] for c in text)


def counted(number: int, nouns: str) -> str:
    """Return a number with its noun: 1 query, 2 queries. ``nouns`` is the plural."""
    return f"{number:,} {_singular(nouns) if number == 1 else nouns}"


def shortened(names: Sequence[str]) -> str:
    """Return up to four names in a row; of more names, three and how many are left."""
    if len(names) <= _FEW + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_FEW])} and {len(names) - _FEW:,} more"


def paced(per_second: float, nouns: str) -> str:
    """Return a rate: 1,524 docs/s, 2.5 docs/s; a rate below 1 a second becomes 2.5 s/doc."""
    if per_second < 1:
        return f"{_short(1 / per_second)} s/{_singular(nouns)}"
    return f"{_short(per_second)} {nouns}/s"


def lasting(seconds: float) -> str:
    """Return a duration as people say it: 95 s, 12 min, 3 h 20 min, 2 d 4 h."""
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


def shows(character: str) -> bool:
    """Tell whether a terminal shows a character unchanged."""
    return character.isprintable() or character in JOINERS
