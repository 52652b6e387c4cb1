"""The docs of the dataset ``table``, read from their file as a stream."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import effbench
from effbench.files import TabularFile, checked_id, shown


class DocsFile(NamedTuple):
    """A file of docs, and its columns; a space joins the columns of ``texts``."""

    file: TabularFile
    id: str
    title: str | None
    texts: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """All columns that are read."""
        return [self.id, *([self.title] if self.title else []), *self.texts]

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the docs in the order of the file; each doc takes 8 bytes of memory.

        Raises:
            EffbenchError: with ``path:line``, for a malformed row, and at the end for an id
                that occurs twice.

        """
        hashes = array("q")
        for where, (doc_id, *cells) in self.file.rows(self.columns):
            checked_id(doc_id, f"{where}: {self.id}")
            hashes.append(hash(doc_id))
            title = cells.pop(0) if self.title else ""
            yield effbench.Doc(doc_id, " ".join(filter(None, cells)), title)
        if not hashes:
            raise self._empty()
        self._refuse_double(hashes)

    def ids(self) -> Iterator[str]:
        """Yield the ids of the docs.

        Raises:
            EffbenchError: with ``path:line``, for a malformed row; or there are no docs.

        """
        empty = True
        for _, (doc_id,) in self.file.rows([self.id]):
            empty = False
            yield doc_id
        if empty:
            raise self._empty()

    def _empty(self) -> effbench.EffbenchError:
        return effbench.EffbenchError(f"{self.file.path}: no docs (add rows)")

    def _refuse_double(self, hashes: array[int]) -> None:
        import numpy as np

        ordered = np.sort(np.array(hashes, dtype=np.int64))
        clashing = set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
        first: dict[str, str] = {}
        rows = self.file.rows([self.id]) if clashing else ()
        for where, (doc_id,) in rows:  # different ids may have the same hash
            if doc_id in first:
                raise effbench.EffbenchError(
                    f"{where}: {self.id} {shown(doc_id)} stands already on line "
                    f"{first[doc_id]} (ids must be unique: keep one)"
                )
            if hash(doc_id) in clashing:
                first[doc_id] = where.rpartition(":")[2]
