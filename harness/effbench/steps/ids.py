"""The ids of a finished encoding on disk: read by row, and never all of them in memory."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

from effbench.steps.hashed import HashedIds
from effbench.steps.shards import IDS, DiskVectors, ids_in
from effbench.store.artifacts import Artifact
from effbench.store.openfiles import OpenFiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEW = 2**20
"""Ids that may be a list, for the speed of live rows: some 70 MB."""

_OPEN = 1_024
"""Shards that stay open: 64 KB each for the places of 16,384 ids, so 64 MB at the most."""


class _Shard(NamedTuple):
    text: mmap.mmap
    ends: NDArray[np.uint32]
    """The place of the line feed after each id."""


class Ids(Sequence[str]):
    """The ids of the rows of a finished encoding; a shard's file is mapped when it is used."""

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self._paths = Artifact(folder).files(IDS)
        self._starts = np.array(DiskVectors(folder).starts)
        self._shards = OpenFiles(min(len(self._paths), _OPEN), self._opened)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __iter__(self) -> Iterator[str]:
        for path in self._paths:
            yield from ids_in([path])

    @overload
    def __getitem__(self, rows: int) -> str: ...

    @overload
    def __getitem__(self, rows: slice) -> list[str]: ...

    def __getitem__(self, rows: int | slice) -> str | list[str]:
        import numpy as np

        if isinstance(rows, slice):
            return self.at(np.arange(*rows.indices(len(self))))
        return self.at(np.array([rows]))[0]

    def at(self, rows: NDArray[np.integer]) -> list[str]:
        """Return the ids of rows in their order; each shard is visited once."""
        import numpy as np

        order = np.argsort(rows, kind="stable")
        ascending = np.asarray(rows)[order]
        bounds = np.searchsorted(ascending, self._starts)
        ids = np.empty(len(rows), dtype=object)
        for shard in np.flatnonzero(np.diff(bounds)).tolist():
            inside = slice(bounds[shard], bounds[shard + 1])
            ids[order[inside]] = self._in_shard(shard, ascending[inside] - self._starts[shard])
        return list(ids)

    def _in_shard(self, number: int, rows: NDArray[np.integer]) -> list[str]:
        import numpy as np

        text, ends = self._shards[number]
        begins = np.where(rows > 0, ends[rows - 1] + 1, 0).tolist()
        places = zip(begins, ends[rows].tolist(), strict=True)
        return [text[begin:end].decode() for begin, end in places]

    def _opened(self, number: int) -> _Shard:
        import numpy as np

        with self._paths[number].open("rb") as file:
            text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n"))
        return _Shard(text, ends.astype(np.uint32))


def ids_by_row(folder: Path) -> Callable[[Sequence[int]], list[str]]:
    """Return a function from rows of a finished encoding to their ids; few are a list."""
    import numpy as np

    ids = Ids(folder)
    if len(ids) <= FEW:
        known = list(ids)
        return lambda rows: [known[row] for row in rows]
    return lambda rows: ids.at(np.array(rows, dtype=np.int64))


def rows_by_id(folder: Path) -> Callable[[Sequence[str]], NDArray[np.int64]]:
    """Return a function from ids to their rows in a finished encoding.

    Up to `FEW` ids are a dict in memory; more are found by their hashes on disk, in files that
    the process has no name for. The function raises KeyError for an id that is not there.
    """
    import numpy as np

    ids = Ids(folder)
    if len(ids) <= FEW:
        rows = {doc_id: row for row, doc_id in enumerate(ids)}
        return lambda asked: np.array([rows[doc_id] for doc_id in asked], dtype=np.int64)
    with HashedIds() as hashed:
        for doc_id in ids:
            hashed.append(doc_id)
        return partial(_found, ids, *hashed.sorted())


def _found(
    ids: Ids, hashes: NDArray[np.int64], rows: NDArray[np.int64], asked: Sequence[str]
) -> NDArray[np.int64]:
    import numpy as np

    wanted = np.array([hash(doc_id) for doc_id in asked], dtype=np.int64)
    first = np.searchsorted(hashes, wanted)
    found = rows[np.minimum(first, len(rows) - 1)]
    for place, (doc_id, there) in enumerate(zip(asked, ids.at(found), strict=True)):
        if there != doc_id:  # another id with the same hash, or none
            end = np.searchsorted(hashes, wanted[place], side="right")
            same = rows[first[place] : end]
            found[place] = {ids[row]: row for row in same.tolist()}[doc_id]
    return np.asarray(found)


def ids_at(folder: Path, rows: Iterable[int]) -> dict[int, str]:
    """Return row -> id for the rows of a finished encoding that are asked for and exist."""
    import numpy as np

    ids = Ids(folder)
    wanted = sorted({row for row in rows if 0 <= row < len(ids)})
    return dict(zip(wanted, ids.at(np.array(wanted, dtype=np.int64)), strict=True))
