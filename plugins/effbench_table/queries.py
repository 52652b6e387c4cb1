"""The queries of a table: with ids of their own, or known by their texts."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import NamedTuple

import effbench
from effbench.files import TabularFile, checked_id, shown

BUCKETS = 100
"""Parts that queries fall into by their texts: a share that is held out is so many of them."""


class QueriesFile(NamedTuple):
    """A file of queries with ids, and its columns."""

    file: TabularFile
    id: str
    text: str

    @property
    def columns(self) -> list[str]:
        """All columns that are read."""
        return [self.id, self.text]

    def texts(self) -> dict[str, str]:
        """Return the text of each id.

        Raises:
            EffbenchError: with ``path:line``, for what is malformed and ids that stand twice.

        """
        texts: dict[str, str] = {}
        for where, (query_id, text) in self.file.rows(self.columns):
            if checked_id(query_id, f"{where}: {self.id}") in texts:
                raise effbench.EffbenchError(
                    f"{where}: {self.id} {shown(query_id)} stands on an earlier line already "
                    "(ids must be unique: keep one)"
                )
            texts[query_id] = plain(text, where)
        return texts


def plain(text: str, where: str) -> str:
    """Return a query's text without needless white space.

    Raises:
        EffbenchError: nothing is left; ``where`` says where it stands.

    """
    if not (words := text.split()):
        raise effbench.EffbenchError(f"{where}: the query is empty (write it, or drop the row)")
    return " ".join(words)


def id_of(text: str) -> str:
    """Return the id of a query that has none."""
    return f"q{_digest(text)[:16]}"


def bucket(text: str) -> int:
    """Return which of the `BUCKETS` a text falls into, the same on every machine."""
    return int(_digest(text), 16) % BUCKETS


def _digest(text: str) -> str:
    """Digest what makes texts equal: not case, white space, or ways to encode an accent."""
    alike = unicodedata.normalize("NFC", " ".join(text.split()).casefold())
    return hashlib.sha256(alike.encode()).hexdigest()
