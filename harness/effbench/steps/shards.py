"""Vectors on disk in shards, as they are read: by ranges of rows, or by row."""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effbench.api.searching import DENSE
from effbench.guard.blame import doing
from effbench.store.artifacts import Artifact
from effbench.store.openfiles import OpenFiles
from effbench.vectors.kinds import KINDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from effbench.vectors.kinds import VectorKind

IDS = ".ids"
"""The end of the name of the file with a shard's ids."""

_VIEWS = 8
"""Parts of shards that are joined together; the view of a part keeps its file open."""


class DiskVectors:
    """The vectors of a finished encoding, memory-mapped: an `effbench.VectorSource`."""

    def __init__(self, folder: Path, reading: Callable[[int], None] | None = None) -> None:
        """Open them; ``reading`` is called with the first row of each slice that is read."""
        import numpy as np

        artifact = Artifact(folder)
        manifest: Mapping[str, Any] = artifact.manifest() or {}
        self.kind = KINDS[manifest.get("vectors", DENSE)]
        self._width: int = manifest.get("width", 0)
        by_array = [artifact.files(suffix) for suffix in self.kind.suffixes]
        files = list(zip(*by_array, strict=True))
        sizes: Mapping[str, int] = manifest.get("sizes", {})
        self.nbytes = sum(sizes.get(path.name, 0) for paths in files for path in paths)

        def opened(number: int) -> _Shard:
            arrays = [np.load(path, mmap_mode="c") for path in files[number]]
            return _Shard(self.kind.opened(arrays, self._width), arrays)

        self._shards = OpenFiles(len(files), opened)
        self._reading = reading
        self._starts = [0]  # for 100 million docs: 6,104 shards
        for number in range(len(files)):
            self._starts.append(self._starts[-1] + self._shards[number].vectors.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and width."""
        width = self._shards[0].vectors.shape[1] if len(self) else self._width
        return self._starts[-1], width

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers on disk: float32, or float16 if the row keeps that."""
        import numpy as np

        return self._shards[0].vectors.dtype if len(self) else np.dtype(np.float32)

    @property
    def starts(self) -> Sequence[int]:
        """The first row of each shard, and the number of all rows."""
        return self._starts

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, rows: slice) -> Any:
        """Read rows as float32: a view of one shard, or a copy (of several, of float16).

        A caller may write to it, and no file changes. (torch writes to such an array without a
        question; if the mapping were read-only, the process would end.)

        Raises:
            TypeError: ``rows`` is not a slice, or has a step.

        """
        return self.kept(rows).astype("float32", copy=False)

    def kept(self, rows: slice) -> Any:
        """Read rows as `dtype`; for the rest, as a slice of the vectors."""
        if not isinstance(rows, slice) or rows.step not in (None, 1):
            raise TypeError(f"vectors are read by slices without a step, not by {rows!r:.60}")
        start, stop, _ = rows.indices(len(self))
        if self._reading is not None:
            self._reading(start)
        with doing("vectors of the store"):  # an index that reads has made no mistake
            return self._read(start, stop)

    def at(self, rows: NDArray[np.int64], *, scattered: bool = False) -> Any:
        """Return a copy of some rows in their order, as float32.

        ``scattered`` rows come from all places, as those of a training's batch; the candidates
        of many queries lie closer together.
        """
        import numpy as np

        shards = np.searchsorted(self._starts, rows, side="right") - 1
        parts, places = [], []
        with doing("vectors of the store"):
            for shard in np.unique(shards):
                places.append(np.flatnonzero(shards == shard))
                opened = self._shards[shard]
                vectors = opened.scattered() if scattered else opened.vectors
                parts.append(vectors[rows[places[-1]] - self._starts[shard]])
        return in_places(self.kind, parts, places) if parts else self[0:0]

    def _read(self, start: int, stop: int) -> Any:
        parts: list[Any] = []
        views, place = 0, start
        while place < stop:
            shard = bisect_right(self._starts, place) - 1
            first, end = self._starts[shard], min(stop, self._starts[shard + 1])
            opened = self._shards[shard]
            vectors = opened.scattered() if stop - start == 1 else opened.vectors
            parts.append(vectors[place - first : end - first])
            views, place = views + 1, end
            if views == _VIEWS:
                parts[-views:], views = [self.kind.joined(parts[-views:])], 0
        if not parts:
            return self._shards[0].vectors[0:0] if len(self) else self.kind.nothing(self._width)
        return parts[0] if len(parts) == 1 else self.kind.joined(parts)


class _Shard:
    """An open shard."""

    def __init__(self, vectors: Any, arrays: Sequence[np.memmap[Any, Any]]) -> None:
        self.vectors = vectors
        self._arrays, self._scattered = arrays, False

    def scattered(self) -> Any:
        """Return the vectors for a caller who reads single rows, in any order.

        The system reads 128 KB around a byte that is asked for, in the hope that a reader goes
        on from there. A training of 5 million texts, with memory for less than their vectors,
        had read 1.6 TB of 3.8 GB, and was not at its end.
        """
        if not self._scattered and hasattr(mmap, "MADV_RANDOM"):  # Windows has no such advice
            for array in self._arrays:
                if isinstance(array.base, mmap.mmap):  # an array without a byte is not mapped
                    array.base.madvise(mmap.MADV_RANDOM)
        self._scattered = True
        return self.vectors


def in_places(
    kind: VectorKind, parts: Sequence[Any], places: Sequence[NDArray[np.int64]]
) -> Any:
    """Return the float32 vectors of all parts, each in its place; there is one part or more."""
    import numpy as np

    joined = kind.joined(parts).astype("float32", copy=False)
    if len(parts) > 1:  # the places of one part are in order
        joined = joined[np.argsort(np.concatenate(places))]
    return joined


def read_rows(sources: Sequence[DiskVectors], places: NDArray[np.int64]) -> Any:
    """Return float32 vectors for a training, which reads in any order.

    ``places`` [n, 2] holds for each row its source and its row there.
    """
    import numpy as np

    if not len(places):
        return sources[0][0:0]
    chosen = [np.flatnonzero(places[:, 0] == source) for source in np.unique(places[:, 0])]
    parts = [sources[places[rows[0], 0]].at(places[rows, 1], scattered=True) for rows in chosen]
    return in_places(sources[0].kind, parts, chosen)


def ids_in(paths: Iterable[Path]) -> list[str]:
    """Return the ids in files of shards, in order."""
    return [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
