"""The words of a text, as the retriever ``bm25`` and the encoder ``bm25-weights`` read them."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from effbench import EffbenchError

Stopwords: TypeAlias = Literal["english", "none"] | list[str]


def words_in(
    stemmer: str, stopwords: str | Sequence[str], token_pattern: str
) -> Callable[[str], list[str]]:
    """Return the function from a text to its words; the options are those of `Bm25`."""
    import Stemmer

    find = re.compile(token_pattern).findall
    stop = {"", *_stopword_list(stopwords)}
    stem = Stemmer.Stemmer(stemmer).stemWords if stemmer != "none" else list

    def words(text: str) -> list[str]:
        return stem([word for word in find(text.lower()) if word not in stop])

    return words


def check_words(who: str, stemmer: str, token_pattern: str) -> None:
    """Raise `EffbenchError` for an option that is unknown or malformed."""
    import Stemmer

    if stemmer not in ("none", *Stemmer.algorithms()):
        known = ", ".join(Stemmer.algorithms())
        raise EffbenchError(f"{who}: unknown stemmer {stemmer!r} (known: none, {known})")
    try:
        groups = re.compile(token_pattern).groups
    except re.error as error:
        raise EffbenchError(f"{who}: token_pattern {token_pattern!r}: {error}") from error
    if groups > 1:
        raise EffbenchError(f"{who}: token_pattern has {groups} groups (write them (?:...))")


def no_words(who: str, token_pattern: str) -> EffbenchError:
    """Return the error for a corpus without words."""
    return EffbenchError(
        f"{who}: no doc has a word that {token_pattern!r} finds (take another)"
    )


def _stopword_list(stopwords: str | Sequence[str]) -> Sequence[str]:
    if stopwords == "english":
        english: tuple[str, ...] = import_bm25s().stopwords.STOPWORDS_EN
        return english
    return () if stopwords == "none" else stopwords


def import_bm25s() -> Any:
    """Import bm25s without its side effects: it would use jax, and change its log level."""
    logger = logging.getLogger("bm25s")
    level, jax = logger.level, sys.modules.get("jax")
    sys.modules["jax"] = None  # type: ignore[assignment] # imports of it fail
    try:
        import bm25s
    finally:
        logger.setLevel(level)
        del sys.modules["jax"]
        if jax is not None:
            sys.modules["jax"] = jax
    return bm25s
