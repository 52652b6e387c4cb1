"""Did you mean: the known name that is like a misspelt word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

COMPARED = 500
"""Names: to compare thousands of them with thousands of mistakes takes minutes."""


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a did-you-mean for ``word``, or the list of what is known."""
    names = sorted(known)
    if like := near(word, names):
        return f"did you mean {like!r}?"
    return f"known: {', '.join(names)}" if names else "none is known"


def near(word: str, names: Sequence[str]) -> str | None:
    """Return the name that is like a word, small letters for capitals too, or holds it."""
    if len(names) > COMPARED:
        return None
    spellings = {name.casefold(): name for name in reversed(names)} | {n: n for n in names}
    for spelling in (word, word.casefold()):
        if like := difflib.get_close_matches(spelling, spellings, n=1):
            return spellings[like[0]]
    longer = [name for name in names if len(word) > 2 and word.casefold() in name.casefold()]
    return min(longer, key=len, default=None)
