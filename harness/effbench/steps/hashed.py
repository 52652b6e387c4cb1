"""Hashes of all ids of a corpus, sorted on disk: they find ids that repeat, and rows of ids."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from effbench.store.disk import on_disk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pair = tuple[NDArray[np.int64], NDArray[np.int64]]
    """Hashes, and the row of each."""

HELD = 2**20
"""Hashes in memory, 8 MB; a corpus with fewer ids never needs the disk."""

BUCKETS = 256
"""Files: each is sorted alone, for 100 million ids 6 MB."""

MOST = 100_000
"""Repeated hashes that are returned: a corpus may have each id twice."""


class HashedIds:
    """The hashes of ids in the order of their rows; more than `HELD` are files in $TMPDIR.

    The files take 16 bytes for each id, and are gone when the ``with`` block ends.
    """

    def __init__(self) -> None:
        self._held, self._spilled = array("q"), 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> HashedIds:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def __len__(self) -> int:
        return self._spilled + len(self._held)

    def append(self, text: str) -> None:
        """Take the id of the next row."""
        self._held.append(hash(text))
        if len(self._held) == HELD:
            self._spill()

    def repeated(self) -> set[int]:
        """Return hashes that several rows have, `MOST` at the most."""
        repeated = set[int]()
        for hashes, _ in self._sorted():
            again = hashes[1:][hashes[1:] == hashes[:-1]]
            repeated.update(again[: MOST - len(repeated)].tolist())
        return repeated

    def sorted(self) -> Pair:
        """Return all hashes, ascending, and their rows; of files they are memory-mapped."""
        import numpy as np

        if self._folder is None:
            return next(self._sorted())
        paths = Path(self._folder.name, "hashes"), Path(self._folder.name, "rows")
        with _temporary(), paths[0].open("wb") as hashes, paths[1].open("wb") as rows:
            for pair in self._sorted():
                hashes.write(pair[0].tobytes())
                rows.write(pair[1].tobytes())
        return np.memmap(paths[0], np.int64, "r"), np.memmap(paths[1], np.int64, "r")

    def _sorted(self) -> Iterator[Pair]:
        """Yield sorted parts; each hash of a part is larger than those of the parts before."""
        import numpy as np

        if self._folder is None:
            yield _ascending(np.array(self._held, dtype=np.int64), np.arange(len(self)))
            return
        self._spill()
        for path in sorted(Path(self._folder.name).glob("bucket-*")):
            pairs = np.fromfile(path, dtype=np.int64).reshape(-1, 2)
            yield _ascending(pairs[:, 0], pairs[:, 1])

    def _spill(self) -> None:
        """Move the hashes in memory to the files; the first bits of a hash choose its file."""
        import numpy as np

        with _temporary():
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="effbench-ids-")
        hashes = np.array(self._held, dtype=np.int64)
        rows = np.arange(self._spilled, len(self))
        order = np.argsort(hashes)
        pairs = np.stack([hashes[order], rows[order]], axis=1)
        width = 2**64 // BUCKETS
        edges = [-(2**63) + width * number for number in range(1, BUCKETS)]
        for number, part in enumerate(np.split(pairs, np.searchsorted(pairs[:, 0], edges))):
            path = Path(self._folder.name, f"bucket-{number:03}")
            with _temporary(), path.open("ab") as file:
                file.write(part.tobytes())  # `tofile` notices no full disk
        self._spilled, self._held = len(self), array("q")


class KnownIds:
    """The ids of a corpus, to tell which ids are not among them.

    Only hashes are compared: of 100 million ids, one in 180 billion strangers passes.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        with HashedIds() as hashed:
            for doc_id in ids:
                hashed.append(doc_id)
            self._hashes, _ = hashed.sorted()

    def __len__(self) -> int:
        return len(self._hashes)

    def lacking(self, ids: Sequence[str]) -> list[str]:
        """Return those of the ids that are not known."""
        import numpy as np

        wanted = np.array([hash(doc_id) for doc_id in ids], dtype=np.int64)
        if not len(self):
            return list(ids)
        places = np.searchsorted(self._hashes, wanted)
        near = self._hashes[np.minimum(places, len(self) - 1)]
        return [ids[place] for place in np.flatnonzero(near != wanted).tolist()]


def _temporary() -> AbstractContextManager[None]:
    """Turn a failure of the disk with the temporary files into a `DiskError` that names it."""
    return on_disk(Path(tempfile.gettempdir()))


def _ascending(hashes: NDArray[np.int64], rows: NDArray[np.int64]) -> Pair:
    import numpy as np

    order = np.argsort(hashes, kind="stable")
    return hashes[order], rows[order]
