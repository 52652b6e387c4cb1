"""Suggestions for a misspelt name: "did you mean ...?"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

COMPARED = 500
"""The most names to compare: thousands of names and thousands of mistakes take minutes."""

SHOWN = 6
"""The most rows of a sweep that a message names."""


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "did you mean ...?" for ``word``, or the list of the known names."""
    names = sorted(known)
    if like := near(word, names):
        return f"did you mean {like!r}?"
    return f"known: {', '.join(names)}" if names else "none is known"


def naming(word: str, families: Mapping[str, str]) -> str:
    """Return `suggest`; for the name of a sweep, a text that says so and names its rows.

    ``families`` has the family of each known row, or the row's own name if no sweep made it.
    """
    rows = [name for name, family in families.items() if family == word != name]
    if not rows:
        return suggest(word, families)
    more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
    return f"a sweep has that name; give one of its rows: {', '.join(rows[:SHOWN])}{more}"


def near(word: str, names: Sequence[str]) -> str | None:
    """Return the name that is most like ``word`` or contains it, without regard to capitals."""
    if len(names) > COMPARED:
        return None
    spellings = {name.casefold(): name for name in reversed(names)} | {n: n for n in names}
    for spelling in (word, word.casefold()):
        if like := difflib.get_close_matches(spelling, spellings, n=1):
            return spellings[like[0]]
    longer = [name for name in names if len(word) > 2 and word.casefold() in name.casefold()]
    return min(longer, key=len, default=None)
