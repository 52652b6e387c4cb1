"""Vectors on disk in shards, as they are read: by ranges of rows, or by row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effbench.guard.blame import doing
from effbench.store.artifacts import Artifact
from effbench.store.openfiles import OpenFiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from effbench.api.encoders import Vectors

VECTORS, IDS = ".npy", ".ids"


class DiskVectors:
    """The vectors of a finished encoding, memory-mapped: an `effbench.VectorSource`."""

    def __init__(self, folder: Path, reading: Callable[[int], None] | None = None) -> None:
        """Open them; ``reading`` is called with the first row of each slice that is read."""
        import numpy as np

        files = Artifact(folder).files(VECTORS)
        self._shards = OpenFiles(len(files), lambda n: np.load(files[n], mmap_mode="c"))
        self._reading = reading
        self._starts = [0]  # for 100 million docs: 6,104 shards
        for number in range(len(files)):
            self._starts.append(self._starts[-1] + len(self._shards[number]))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and width."""
        return self._starts[-1], self._shards[0].shape[1] if len(self) else 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers on disk: float32, or float16 if the row keeps that."""
        import numpy as np

        return self._shards[0].dtype if len(self) else np.dtype(np.float32)

    @property
    def starts(self) -> Sequence[int]:
        """The first row of each shard, and the number of all rows."""
        return self._starts

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, rows: slice) -> Vectors:
        """Read rows as float32 [m, d]: a view of one shard, or a copy (of several, of float16).

        A caller may write to it, and no file changes. (torch writes to such an array without a
        question; if the mapping were read-only, the process would end.)

        Raises:
            TypeError: ``rows`` is not a slice, or has a step.

        """
        vectors: Vectors = self.kept(rows).astype("float32", copy=False)
        return vectors

    def kept(self, rows: slice) -> NDArray[np.floating[Any]]:
        """Read rows as `dtype` [m, d]; for the rest, as a slice of the vectors."""
        if not isinstance(rows, slice) or rows.step not in (None, 1):
            raise TypeError(f"vectors are read by slices without a step, not by {rows!r:.60}")
        start, stop, _ = rows.indices(len(self))
        if self._reading is not None:
            self._reading(start)
        with doing("vectors of the store"):  # an index that reads has made no mistake
            return self._read(start, stop)

    def at(self, rows: NDArray[np.int64]) -> Vectors:
        """Return a copy of some rows in their order, float32 [n, d]."""
        import numpy as np

        vectors = np.empty((len(rows), self.shape[1]), dtype=np.float32)
        shards = np.searchsorted(self._starts, rows, side="right") - 1
        with doing("vectors of the store"):
            for shard in np.unique(shards):
                chosen = shards == shard
                vectors[chosen] = self._shards[shard][rows[chosen] - self._starts[shard]]
        return vectors

    def _read(self, start: int, stop: int) -> NDArray[np.floating[Any]]:
        import numpy as np

        shard = bisect_right(self._starts, start) - 1
        if start < stop <= self._starts[shard + 1]:
            first = self._starts[shard]
            part: NDArray[np.floating[Any]] = self._shards[shard][start - first : stop - first]
            return part
        rows = np.empty((max(0, stop - start), self.shape[1]), dtype=self.dtype)
        place = start
        while place < stop:
            shard = bisect_right(self._starts, place) - 1
            first, end = self._starts[shard], min(stop, self._starts[shard + 1])
            # a copy, since a view would keep its file open
            rows[place - start : end - start] = self._shards[shard][place - first : end - first]
            place = end
        return rows


def read_rows(sources: Sequence[DiskVectors], places: NDArray[np.int64]) -> Vectors:
    """Return float32 [n, d]; ``places`` [n, 2] holds for each row its source and row there."""
    import numpy as np

    vectors = np.empty((len(places), sources[0].shape[1]), dtype=np.float32)
    for source in np.unique(places[:, 0]):
        chosen = places[:, 0] == source
        vectors[chosen] = sources[source].at(places[chosen, 1])
    return vectors


def ids_in(paths: Iterable[Path]) -> list[str]:
    """Return the ids in files of shards, in order."""
    return [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
