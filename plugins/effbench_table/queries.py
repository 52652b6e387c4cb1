"""The queries of the dataset ``table``: their file, and the ids that are made from texts."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import NamedTuple

import effbench
from effbench.files import TabularFile, checked_id, shown

BUCKETS = 100
"""The number of buckets; the hash of its text puts a query into one of them. A share that is
held out is a number of buckets."""


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
        """Return query_id -> text.

        Raises:
            EffbenchError: with ``path:line``, for a malformed row or an id that occurs twice.

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
    """Return a query's text with single spaces between its words.

    Raises:
        EffbenchError: at ``where``, if the text has no words.

    """
    if not (words := text.split()):
        raise effbench.EffbenchError(f"{where}: the query is empty (write it, or drop the row)")
    return " ".join(words)


def id_of(text: str) -> str:
    """Return the id of a query that has only a text; equal queries have the same id."""
    return f"q{_digest(text)[:16]}"


def bucket(text: str) -> int:
    """Return the bucket of a text, 0 to `BUCKETS` - 1; it is the same on every machine."""
    return int(_digest(text), 16) % BUCKETS


def _digest(text: str) -> str:
    """Return a sha256 that ignores case, white space, and the ways to encode an accent."""
    normalized = unicodedata.normalize("NFC", " ".join(text.split()).casefold())
    return hashlib.sha256(normalized.encode()).hexdigest()
