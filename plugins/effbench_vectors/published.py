"""Published vectors: the files of a folder as one collection, in which names are looked up."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from effbench import EffbenchError
from effbench.files import counted, files_under, shown
from effbench_vectors.arrays import BINARY, ArrayFile, names_beside
from effbench_vectors.columns import Columns
from effbench_vectors.parquet import ParquetFile, ends_whole
from effbench_vectors.table import Numbers, Table

log = logging.getLogger(__name__)

ENDINGS = (".npy", ".parquet", *BINARY)

VectorFile: TypeAlias = ArrayFile | ParquetFile


class Published:
    """Vectors with names; files are opened on the first look-up."""

    def __init__(self, path: Path, columns: Columns, nouns: str) -> None:
        """Note where the vectors are; messages call what has them ``nouns``, such as "docs"."""
        self._path, self._columns, self._nouns = path, columns, nouns

    def of(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of names in their order, float32 [n, d].

        Raises:
            EffbenchError: a name has no vector, or a file is damaged.

        """
        rows = self._table.rows_of(names)
        if (bad := np.flatnonzero(rows < 0)).size:
            first = next(iter(self._names()))[0]
            raise EffbenchError(
                f"{self._path} has no vector for {bad.size:,} of "
                f"{counted(len(names), self._nouns)}, such as {shown(names[bad[0]])} (are they "
                f"its {self._nouns}? its first is {shown(first)})"
            )
        order = np.argsort(rows, kind="stable")  # files are read from front to back
        rising = rows[order]
        vectors = np.empty((len(names), self._files[0].width), np.float32)
        for number, file in enumerate(self._files):
            start, end = self._starts[number], self._starts[number + 1]
            low, high = np.searchsorted(rising, (start, end))
            if low < high:
                chosen = order[low:high]
                vectors[chosen] = file.read(rising[low:high] - start)
            else:
                file.forget()
        return vectors

    @cached_property
    def _files(self) -> list[VectorFile]:
        files = [opened(path, self._columns) for path in files_of(self._path)]
        for file in files:
            if file.width != files[0].width:
                raise EffbenchError(
                    f"{file.path}: vectors of width {file.width}, but {files[0].path.name} has "
                    f"{files[0].width} (all vectors have one width)"
                )
        return files

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *np.cumsum([file.rows for file in self._files]).tolist()]

    @cached_property
    def _table(self) -> Table | Numbers:
        if self._files[0].path.suffix in BINARY:
            return Numbers(self._starts[-1])
        log.info("reading the names of %d vectors", self._starts[-1])
        table = Table(self._names())
        if table.twice is not None:
            places = " and ".join(map(self._place, table.twice))
            raise EffbenchError(f"{places} have the same name (drop one)")
        return table

    def _names(self) -> Iterator[Sequence[str]]:
        if self._files[0].path.suffix in BINARY:
            return iter([["0"]])
        return chain.from_iterable(file.names() for file in self._files)

    def _place(self, row: int) -> str:
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        return f"{self._files[number].path}, row {row - self._starts[number]:,}"


def opened(path: Path, columns: Columns) -> VectorFile:
    """Open a file of vectors."""
    return ParquetFile(path, columns) if path.suffix == ".parquet" else ArrayFile(path)


def files_of(path: Path) -> list[Path]:
    """Return the files of vectors that a path names: itself, or all below the folder.

    Raises:
        EffbenchError: there is none, or they are of several kinds.

    """
    below = [path] if path.is_file() else files_under(path)  # those that the key covers
    files = [file for file in below if file.suffix in ENDINGS]
    if not files:
        raise EffbenchError(f"no vectors in {path} (files end in {', '.join(ENDINGS)})")
    kinds = sorted({file.suffix for file in files})
    if len(kinds) > 1:
        raise EffbenchError(
            f"{path} has files that end in {' and in '.join(kinds)} (keep one kind)"
        )
    return files


def check_files(path: Path) -> None:
    """Raise `EffbenchError` for files that are cut off or have no names, as a look tells it."""
    for file in files_of(path):
        if file.suffix == ".parquet":
            if not ends_whole(file):
                raise EffbenchError(
                    f"{file}: its end is missing, it was written or downloaded in part "
                    "(download it again, whole)"
                )
            continue
        ArrayFile(file)
        if file.suffix not in BINARY:
            names_beside(file)
