"""Suggestions for a misspelt name: "did you mean ...?"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

COMPARED = 500
"""The most names to compare: thousands of names and thousands of mistakes take minutes."""


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "did you mean ...?" for ``word``, or the list of the known names."""
    names = sorted(known)
    if like := near(word, names):
        return f"did you mean {like!r}?"
    return f"known: {', '.join(names)}" if names else "none is known"


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
