"""The texts of a corpus in a file: memory is bounded, and a text is found quickly."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from weakref import finalize

from effbench import Doc

FILE = "texts.sqlite"

_AT_ONCE = 500
"""Docs in one question: sqlite allows 999 or more."""


class Texts:
    """The texts of docs, as `Doc.default_text` gives them."""

    _path: Path
    _file: sqlite3.Connection

    def write(self, docs: Iterable[Doc]) -> None:
        """Write the texts into a temporary file, and open it."""
        folder = tempfile.mkdtemp(prefix="effbench-")
        finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder, FILE)
        with closing(sqlite3.connect(path)) as file:
            file.execute("PRAGMA journal_mode = OFF")
            file.execute("PRAGMA synchronous = OFF")
            file.execute("CREATE TABLE texts (doc_id TEXT, text TEXT)")
            pairs = ((doc.doc_id, doc.default_text()) for doc in docs)
            file.executemany("INSERT INTO texts VALUES (?, ?)", pairs)
            file.execute("CREATE UNIQUE INDEX by_doc_id ON texts (doc_id)")
            file.commit()
        self._open(path)

    def save(self, folder: Path) -> None:
        """Copy the file into a folder."""
        shutil.copyfile(self._path, folder / FILE)

    def load(self, folder: Path) -> None:
        """Open the file in a folder."""
        self._open(folder / FILE)

    def of(self, doc_ids: Sequence[str]) -> list[str]:
        """Return the texts of docs, in their order."""
        texts: dict[str, str] = {}
        for start in range(0, len(doc_ids), _AT_ONCE):
            asked = doc_ids[start : start + _AT_ONCE]
            places = ", ".join("?" * len(asked))
            question = f"SELECT doc_id, text FROM texts WHERE doc_id IN ({places})"  # noqa: S608
            texts.update(self._file.execute(question, asked))
        return [texts[doc_id] for doc_id in doc_ids]

    def _open(self, path: Path) -> None:
        place = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        self._path, self._file = path, sqlite3.connect(place, uri=True)
        finalize(self, self._file.close)
