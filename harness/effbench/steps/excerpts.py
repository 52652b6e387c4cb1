"""Excerpts of docs as texts for training: sentences, spans of words, and keyword queries.

What is drawn depends on the text of the doc alone: not on the order of docs, or on other docs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from heapq import nlargest
from math import log
from random import Random
from typing import NamedTuple

KNOWN = 2**22
"""Words whose docs are counted at first, about half a GB; the rarest are dropped beyond it."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^a-z])")
_WORD = re.compile(r"\w+(?:[-'\u2019.]\w+)*")
_EDGES = " .,;:!?\"'()[]{}\u2026\u201c\u201d\u2018\u2019"


class Cut(NamedTuple):
    """How many texts a doc gives, and how many words they have."""

    least: int
    most: int
    each: int


def sentences(text: str) -> Sequence[str]:
    """Split a text into sentences, roughly: after . ! ? and a space, before no small letter."""
    return _SENTENCE_END.split(text)


def spans(text: str, cut: Cut) -> Iterator[str]:
    """Yield ``cut.each`` spans of words that follow each other; every length is as likely.

    A shorter text is a span itself. Punctuation at the ends is dropped.
    """
    words, chance = text.split(), _chance("span", text)
    for _ in range(cut.each):
        length = min(_length(cut, chance), len(words))
        start = int(chance() * (len(words) - length + 1))
        yield " ".join(words[start : start + length]).strip(_EDGES)


class Keywords:
    """Draws keyword queries from docs: a word is as likely as its tf-idf in the doc is large.

    The weight of a word that occurs n times in a doc, and in df of all N docs, is
    (1 + log n) * log((N + 1) / df). Words are drawn without replacement, by the keys of
    Efraimidis and Spirakis (Weighted random sampling with a reservoir, 2006), and stand in the
    order of the doc, in small letters.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        """Count the docs that each word occurs in; ``texts`` are all docs."""
        self._count, self._docs_of = 0, Counter[str]()
        most = KNOWN
        for text in texts:
            self._count += 1
            self._docs_of.update(set(_words(text)))
            if len(self._docs_of) > most:
                repeated = {word: docs for word, docs in self._docs_of.items() if docs > 1}
                self._docs_of = Counter(repeated)
                most = max(KNOWN, 2 * len(repeated))

    def of(self, text: str, cut: Cut) -> Iterator[str]:
        """Yield ``cut.each`` queries of a doc; fewer words if it has no more of them."""
        weights = {
            word: (1 + log(times)) * log((self._count + 1) / max(1, self._docs_of[word]))
            for word, times in Counter(_words(text)).items()
        }
        chance = _chance("keywords", text)
        for _ in range(cut.each):
            length = _length(cut, chance)
            keys = {word: log(1 - chance()) / weight for word, weight in weights.items()}
            chosen = set(nlargest(length, keys, key=keys.__getitem__))
            yield " ".join(word for word in weights if word in chosen)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _length(cut: Cut, chance: Callable[[], float]) -> int:
    return cut.least + int(chance() * (cut.most - cut.least + 1))


def _chance(purpose: str, text: str) -> Callable[[], float]:
    """Return a source of numbers in [0, 1) that Python promises never to change."""
    seed = int.from_bytes(sha256(f"{purpose} {text}".encode()).digest(), "big")
    return Random(seed).random  # noqa: S311 - no secret
