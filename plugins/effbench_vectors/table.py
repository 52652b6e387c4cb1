"""A table on disk from names to row numbers: memory does not grow with the number of names.

A record is a hash of 16 bytes and a row number of 8: 2.7 GB of disk for 113 million names. The
records are sorted in 256 buckets, by the first byte of the hash.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from effbench import EffbenchError

RECORD = np.dtype([("hash", "S16"), ("row", "<i8")])
BUCKETS = 256


class Twice(NamedTuple):
    """Two rows that have the same name."""

    first: int
    second: int


class Table:
    """The row number of each name; the names come in lists, in the order of the rows."""

    def __init__(self, chunks: Iterable[Sequence[str]]) -> None:
        """Write the table into a temporary folder, which goes when the table goes.

        Raises:
            EffbenchError: the disk of the folder refuses it.

        """
        self.rows = 0
        self.twice: Twice | None = None
        """Two rows of one name; None if each name occurs once."""
        with _temporary():
            self._folder = Path(tempfile.mkdtemp(prefix="effbench-"))
            finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        for names in chunks:
            with _temporary():
                self._append(names)
        with _temporary():
            self._sort()

    def _sort(self) -> None:
        hashes, numbers = self._folder / "hashes", self._folder / "rows"
        with hashes.open("wb") as hash_file, numbers.open("wb") as row_file:
            for number in range(BUCKETS):
                records = self._sorted(number)
                hash_file.write(records["hash"].tobytes())
                row_file.write(records["row"].tobytes())
        if self.rows:  # two files, since numpy would copy a column of records for each search
            self._hashes = np.memmap(hashes, "S16", "r")
            self._numbers = np.memmap(numbers, "<i8", "r")

    def rows_of(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each name, int64 [n]; -1 for a name that the table lacks."""
        if not self.rows:
            return np.full(len(names), -1, np.int64)
        hashes = _hashes(names)
        near = np.minimum(np.searchsorted(self._hashes, hashes), self.rows - 1)
        rows: NDArray[np.int64] = np.where(
            self._hashes[near] == hashes, self._numbers[near], -1
        )
        return rows

    def _append(self, names: Sequence[str]) -> None:
        records = np.empty(len(names), RECORD)
        records["hash"] = _hashes(names)
        records["row"] = np.arange(self.rows, self.rows + len(names))
        self.rows += len(names)
        first = np.ascontiguousarray(records["hash"]).view(np.uint8)[::16]
        for number in np.unique(first):
            with self._path(number).open("ab") as file:
                file.write(records[first == number].tobytes())

    def _sorted(self, number: int) -> NDArray[np.void]:
        """Return the records of a bucket in order, and drop its file."""
        path = self._path(number)
        if not path.exists():
            return np.empty(0, RECORD)
        records = np.fromfile(path, RECORD)
        path.unlink()
        records = records[np.argsort(records["hash"], kind="stable")]
        same = np.flatnonzero(records["hash"][1:] == records["hash"][:-1])
        if same.size and self.twice is None:
            self.twice = Twice(*records["row"][same[0] : same[0] + 2].tolist())
        return records

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:03}"


class Numbers:
    """The table of files without names: the name of a row is its number."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def rows_of(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each name, int64 [n]; -1 for a name that is no row number."""
        rows = (int(n) if n.isascii() and n.isdigit() and len(n) < 19 else -1 for n in names)
        numbers = np.fromiter(rows, np.int64, len(names))
        numbers[numbers >= self.rows] = -1
        return numbers


@contextmanager
def _temporary() -> Iterator[None]:
    """Turn a refusal of the disk into a message that names the temporary folder."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise EffbenchError(
            f"{tempfile.gettempdir()}: {why} (a table of ids takes 24 bytes a doc: set TMPDIR "
            "to a folder with room)"
        ) from error


def _hashes(names: Sequence[str]) -> NDArray[np.bytes_]:
    digests = (hashlib.blake2b(name.encode(), digest_size=16).digest() for name in names)
    return np.frombuffer(b"".join(digests), "S16")
