"""Parquet files with a column of names and a column of vectors, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effbench import EffbenchError
from effbench_vectors.columns import VECTORS, Columns

MAGIC = b"PAR1"
"""How a parquet file ends; a file that was written in part ends otherwise."""

BATCH = 4_096
"""Rows that are decoded at once."""


class ParquetFile:
    """The rows of a parquet file: in order they are decoded once, in any order rightly.

    Memory holds one batch of vectors. A jump back decodes a row group again from its start.
    """

    def __init__(self, path: Path, columns: Columns) -> None:
        """Open the file; raise `EffbenchError` if it is damaged or lacks a column."""
        import pyarrow.parquet as pq

        self.path = path
        with _intact(path):
            self._file = pq.ParquetFile(path, memory_map=True)
        meta, known = self._file.metadata, self._file.schema_arrow.names
        self._names = _column(path, known, columns.names, columns.usual, columns.option)
        self._vectors = _column(path, known, columns.vectors, VECTORS, "vector_column")
        sizes = [meta.row_group(number).num_rows for number in range(meta.num_row_groups)]
        self._starts = np.cumsum([0, *sizes])
        self.rows = meta.num_rows
        if not self.rows:
            raise EffbenchError(f"{path}: no rows (take a file that has some)")
        self.width = 0
        self.forget()
        self._go_to(0)
        self.width = self._block.shape[1]
        self.forget()

    def forget(self) -> None:
        """Free the batch in memory; 60 open files would hold as many."""
        self._group, self._first = -1, 0
        self._block = np.empty((0, self.width), np.float32)
        self._batches: Iterator[Any] = iter(())

    def names(self) -> Iterator[list[str]]:
        """Yield the names of the rows, in lists; a number becomes its digits."""
        import pyarrow

        with _intact(self.path):
            for batch in self._file.iter_batches(columns=[self._names]):
                column = batch.column(0)
                if column.null_count:
                    raise EffbenchError(
                        f"{self.path}: column {self._names} has empty cells (fill them)"
                    )
                yield column.cast(pyarrow.string()).to_pylist()

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return rows of the file in their order, float32 [n, d]; quick if they rise."""
        vectors = np.empty((len(rows), self.width), np.float32)
        done = 0
        while done < len(rows):
            self._go_to(int(rows[done]))
            inside = rows[done:] - self._first
            fits = (inside >= 0) & (inside < len(self._block))
            count = len(fits) if fits.all() else int(np.argmin(fits))
            vectors[done : done + count] = self._block[inside[:count]]
            done += count
        return vectors

    def _go_to(self, row: int) -> None:
        """Decode batches until the block has a row."""
        group = int(np.searchsorted(self._starts, row, side="right")) - 1
        if group != self._group or row < self._first:
            self._batches = self._file.iter_batches(
                BATCH, row_groups=[group], columns=[self._vectors], use_threads=False
            )
            self._group, self._first = group, int(self._starts[group])
            self._block = np.empty((0, self.width), np.float32)
        while row >= self._first + len(self._block):
            self._first += len(self._block)
            with _intact(self.path):
                batch = next(self._batches)
            self._block = self._decoded(batch.column(0))

    def _decoded(self, column: Any) -> NDArray[np.float32]:
        """Return the vectors of a batch, float32 [n, d]; all must have the same width."""
        import pyarrow
        import pyarrow.compute as pc

        where = f"{self.path}: column {self._vectors}"
        lists = (pyarrow.types.is_list, pyarrow.types.is_large_list)
        if not any(check(column.type) for check in (*lists, pyarrow.types.is_fixed_size_list)):
            raise EffbenchError(f"{where} has {column.type}, no lists (name another column)")
        widths = pc.list_value_length(column)
        if column.null_count or column.flatten().null_count or not len(column.flatten()):
            raise EffbenchError(f"{where} has empty cells (each row needs a whole vector)")
        lengths = widths.to_numpy(zero_copy_only=False)
        width = self.width or int(lengths[0])
        if (bad := np.flatnonzero(lengths != width)).size:
            raise EffbenchError(
                f"{where}: row {self._first + int(bad[0]):,} has {lengths[bad[0]]} numbers, "
                f"the others {width} (all vectors have one width)"
            )
        values = column.flatten().to_numpy(zero_copy_only=False)
        if values.dtype.kind not in "fiu":
            raise EffbenchError(f"{where} has {column.type}, no numbers (name another column)")
        block: NDArray[np.float32] = values.reshape(-1, width).astype(np.float32)
        return block


def ends_whole(path: Path) -> bool:
    """Tell whether the file ends as a parquet file does; reads four bytes."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(MAGIC)))
        return file.read() == MAGIC


def _column(
    path: Path, known: Sequence[str], given: str | None, usual: Sequence[str], option: str
) -> str:
    """Return the column that a suite names, or the first with a usual name."""
    lower = {name.lower(): name for name in reversed(known)}
    column = given if given in known else None
    if given is None:
        column = next((lower[name] for name in usual if name in lower), None)
    if column is None:
        wanted = given or " or ".join(usual)
        raise EffbenchError(
            f"{path}: no column {wanted} (give {option}: one of {', '.join(known)})"
        )
    return column


@contextmanager
def _intact(path: Path) -> Iterator[None]:
    """Turn what pyarrow and the system say of a damaged file into one line."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        text = str(error).partition("\n")[0].rstrip(". ")
        raise EffbenchError(f"{path}: {text} (download it again, whole)") from None
