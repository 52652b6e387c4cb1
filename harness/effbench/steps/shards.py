"""Vectors on disk in shards: written shard by shard, and read by ranges of vectors."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from effbench.api.errors import EffbenchError
from effbench.guard.blame import doing
from effbench.store.artifacts import Artifact
from effbench.store.digests import file_sha256
from effbench.store.disk import read_sealed, save_array, sealed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from effbench.api.encoders import Vectors
    from effbench.work.code import Code
    from effbench.work.progress import Tally

Item = TypeVar("Item")

SHARD = 16_384
"""Rows in a shard: encoding holds so many in memory, and a killed run loses no more."""

VECTORS, IDS = ".npy", ".ids"

BATCH = 1_024
"""Rows that an encoder gets at once: enough to sort by length, and few enough for progress."""


class Shards(NamedTuple):
    """The facts of a finished encoding, which its manifest holds; time in seconds."""

    rows: int
    width: int
    seconds: float


def write_shards(
    artifact: Artifact,
    items: Iterable[tuple[str, Item]],
    encode: Callable[[Sequence[Item]], Vectors],
    advance: Tally,
    code: Code,
) -> Shards:
    """Encode (id, item) pairs into shards; keep the whole shards of an earlier attempt.

    A shard is kept only if plugins with the same ``code`` have made it: an author who mends
    an encoder that failed half-way wants no vectors of the old code.

    Equal items (without a doc's id) are encoded once in a shard. The last bit of a vector
    depends on the rest of its batch, and equal texts must get equal vectors, to tie.

    Returns:
        The rows, their width, and the encoder's seconds, with those of the kept shards.

    """
    remaining = iter(items)
    rows, width, seconds = 0, 0, 0.0
    number = 0
    while shard := list(islice(remaining, SHARD)):
        names, ids = _names(number), [item_id for item_id, _ in shard]
        facts = _shard_facts(artifact, names, ids, code)
        if facts is None:
            facts = _write_shard(artifact, names, shard, encode, advance, code)
        else:
            advance.skip(len(shard))
        rows, width, seconds = rows + len(shard), facts["width"], seconds + facts["seconds"]
        number += 1
    return Shards(rows, width, seconds)


def shards_kept(folder: Path) -> int:
    """Return how many shards an unfinished attempt has left in its folder."""
    return sum(1 for _ in folder.glob(f"[0-9]*{VECTORS}"))


class DiskVectors:
    """The vectors of a finished encoding, memory-mapped: an `effbench.VectorSource`."""

    def __init__(self, folder: Path, reading: Callable[[int], None] | None = None) -> None:
        """Open them; ``reading`` is called with the first row of each slice that is read."""
        import numpy as np

        files = Artifact(folder).files(VECTORS)
        self._shards = [np.load(path, mmap_mode="c") for path in files]
        self._reading = reading
        self._starts = [0]
        for shard in self._shards:
            self._starts.append(self._starts[-1] + len(shard))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and width."""
        return self._starts[-1], self._shards[0].shape[1] if self._shards else 0

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, rows: slice) -> Vectors:
        """Read rows as float32 [m, d]: a view of one shard, or a copy across several shards.

        A caller may write to it, and no file changes. (torch writes to such an array without a
        question; if the mapping were read-only, the process would end.)

        Raises:
            TypeError: ``rows`` is not a slice, or has a step.

        """
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

    def _read(self, start: int, stop: int) -> Vectors:
        import numpy as np

        parts = []
        while start < stop:
            shard = bisect_right(self._starts, start) - 1
            first, end = self._starts[shard], min(stop, self._starts[shard + 1])
            parts.append(self._shards[shard][start - first : end - first])
            start = end
        if not parts:
            return np.empty((0, self.shape[1]), dtype=np.float32)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def read_ids(folder: Path) -> list[str]:
    """Return the ids of a finished encoding, one for each row."""
    return _read_ids(Artifact(folder).files(IDS))


def ids_at(folder: Path, rows: Iterable[int]) -> dict[int, str]:
    """Return row -> id for the rows of a finished encoding that are asked for and exist.

    The ids of only one shard are in memory at a time: a corpus may have ten million.
    """
    wanted, ids_by_row, first = sorted(set(rows)), dict[int, str](), 0
    for path in Artifact(folder).files(IDS):
        ids = path.read_text(encoding="utf-8").splitlines()
        last = first + len(ids)
        in_shard = wanted[bisect_left(wanted, first) : bisect_left(wanted, last)]
        ids_by_row.update((row, ids[row - first]) for row in in_shard)
        first = last
    return ids_by_row


def read_rows(sources: Sequence[DiskVectors], places: NDArray[np.int64]) -> Vectors:
    """Return float32 [n, d]; ``places`` [n, 2] holds for each row its source and row there."""
    import numpy as np

    vectors = np.empty((len(places), sources[0].shape[1]), dtype=np.float32)
    for source in np.unique(places[:, 0]):
        chosen = places[:, 0] == source
        vectors[chosen] = sources[source].at(places[chosen, 1])
    return vectors


class _Names(NamedTuple):
    vectors: str
    ids: str
    facts: str


def _names(number: int) -> _Names:
    return _Names(f"{number:05}{VECTORS}", f"{number:05}{IDS}", f"{number:05}.json")


def _shard_facts(
    artifact: Artifact, names: _Names, ids: list[str], code: Code
) -> dict[str, Any] | None:
    """Return the facts of a shard that an earlier attempt has left; None if it is not whole.

    The facts say to which step the vectors and ids belong; the ids must be those of the items.
    """
    path = artifact.folder / names.facts
    try:
        facts = read_sealed(path)
    except EffbenchError:
        return None
    files = {name: facts["files"].get(name, "") for name in (names.vectors, names.ids)}
    whole = (
        facts["key"] == artifact.folder.name
        and facts.get("code") == code
        and all(
            artifact.take_up(name, sha256)
            for name, sha256 in (*files.items(), (path.name, file_sha256(path)))
        )
        and _read_ids([artifact.folder / names.ids]) == ids
    )
    return facts if whole else None


def _write_shard(
    artifact: Artifact,
    names: _Names,
    shard: list[tuple[str, Item]],
    encode: Callable[[Sequence[Item]], Vectors],
    advance: Tally,
    code: Code,
) -> dict[str, Any]:
    import numpy as np

    distinct: dict[Hashable, Item] = {}
    for _, item in shard:
        distinct.setdefault(_encoded_part(item), item)
    rows = {content: row for row, content in enumerate(distinct)}
    items = list(distinct.values())
    parts = []
    seconds = 0.0
    for begin in range(0, len(items), BATCH):
        batch = items[begin : begin + BATCH]
        start = perf_counter()
        parts.append(encode(batch))
        seconds += perf_counter() - start
        advance(len(batch))
    advance(len(shard) - len(items))
    vectors = np.concatenate(parts)[[rows[_encoded_part(item)] for _, item in shard]]

    artifact.put(names.vectors, lambda path: save_array(path, vectors))
    artifact.put_text(names.ids, "".join(f"{item_id}\n" for item_id, _ in shard))
    files = {name: artifact.kept[name] for name in (names.vectors, names.ids)}
    facts = {"key": artifact.folder.name, "width": vectors.shape[1], "seconds": seconds}
    artifact.put_text(names.facts, sealed({**facts, "code": code, "files": files}))
    return facts


def _encoded_part(item: Any) -> Hashable:
    """Return the part of an item that an encoder uses: a text, or a doc without its id."""
    return item if isinstance(item, str) else (item.title, item.text)


def _read_ids(paths: Iterable[Path]) -> list[str]:
    return [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
