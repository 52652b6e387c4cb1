"""Vectors in shards on disk, written one shard at a time and read by slices."""

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
"""Rows a shard: what encoding holds in memory at once, and what a killed run may lose."""

VECTORS, IDS = ".npy", ".ids"

BATCH = 1_024
"""Rows that an encoder gets at once: enough to sort by length, few enough to show progress."""


class Shards(NamedTuple):
    """What a finished encoding says of itself, kept in its manifest."""

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
    """Encode (id, item) pairs into shards; keep whole shards of an earlier attempt.

    Those count only if plugins of the same ``code`` have made them: who mends an encoder that
    has failed half-way wants no vectors of the old one.

    Items that are equal (a doc's id aside) are encoded once in a shard: the last bit of a
    vector depends on what shares its batch, and equal texts must tie.

    Returns:
        Rows, width and the encoder's seconds, kept shards' seconds included.

    """
    remaining = iter(items)
    rows, width, seconds = 0, 0, 0.0
    number = 0
    while shard := list(islice(remaining, SHARD)):
        names, ids = _names(number), [item_id for item_id, _ in shard]
        facts = _taken_up(artifact, names, ids, code)
        if facts is None:
            facts = _write_shard(artifact, names, shard, encode, advance, code)
        else:
            advance.skip(len(shard))
        rows, width, seconds = rows + len(shard), facts["width"], seconds + facts["seconds"]
        number += 1
    return Shards(rows, width, seconds)


def shards_kept(folder: Path) -> int:
    """Return how many shards an attempt that was not finished has left."""
    return sum(1 for _ in folder.glob(f"[0-9]*{VECTORS}"))


class DiskVectors:
    """The vectors of a finished encoding, memory-mapped: an `effbench.VectorSource`."""

    def __init__(self, folder: Path, reading: Callable[[int], None] | None = None) -> None:
        """Open them; ``reading`` is told the first row of each slice that is read."""
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
        """Read rows as float32 [m, d]: a view inside one shard, a copy across several.

        Either may be written to, which changes no file: to change a read-only mapping, as
        torch does without asking, would end the process.

        Raises:
            TypeError: ``rows`` is no slice, or has a step.

        """
        if not isinstance(rows, slice) or rows.step not in (None, 1):
            raise TypeError(f"vectors are read by slices without a step, not by {rows!r:.60}")
        start, stop, _ = rows.indices(len(self))
        if self._reading is not None:
            self._reading(start)
        with doing("vectors of the store"):  # not a mistake of the index that reads them
            return self._read(start, stop)

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
    """Return the ids of a finished encoding, one a row."""
    return _read_ids(Artifact(folder).files(IDS))


def ids_at(folder: Path, rows: Iterable[int]) -> dict[int, str]:
    """Return the ids of some rows of a finished encoding; those that it lacks are left out.

    One shard's ids are in memory at a time: a corpus may have ten million.
    """
    wanted, found, first = sorted(set(rows)), dict[int, str](), 0
    for path in Artifact(folder).files(IDS):
        ids = path.read_text(encoding="utf-8").splitlines()
        last = first + len(ids)
        here = wanted[bisect_left(wanted, first) : bisect_left(wanted, last)]
        found.update((row, ids[row - first]) for row in here)
        first = last
    return found


def read_rows(sources: Sequence[DiskVectors], places: NDArray[np.int64]) -> Vectors:
    """Return float32 [n, d] of single rows: ``places`` [n, 2] says source and row of each."""
    import numpy as np

    return np.concatenate([sources[source][row : row + 1] for source, row in places.tolist()])


class _Names(NamedTuple):
    vectors: str
    ids: str
    facts: str


def _names(number: int) -> _Names:
    return _Names(f"{number:05}{VECTORS}", f"{number:05}{IDS}", f"{number:05}.json")


def _taken_up(
    artifact: Artifact, names: _Names, ids: list[str], code: Code
) -> dict[str, Any] | None:
    """Return the facts of a shard that an earlier attempt has left, if it is whole.

    They say which vectors and ids belong together, and to which step; the ids say which items.
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
            artifact.take_up(*one) for one in (*files.items(), (path.name, file_sha256(path)))
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
        distinct.setdefault(_content(item), item)
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
    vectors = np.concatenate(parts)[[rows[_content(item)] for _, item in shard]]

    artifact.put(names.vectors, lambda path: save_array(path, vectors))
    artifact.put_text(names.ids, "".join(f"{item_id}\n" for item_id, _ in shard))
    files = {name: artifact.kept[name] for name in (names.vectors, names.ids)}
    facts = {"key": artifact.folder.name, "width": vectors.shape[1], "seconds": seconds}
    artifact.put_text(names.facts, sealed({**facts, "code": code, "files": files}))
    return facts


def _content(item: Any) -> Hashable:
    """Return what an encoder sees of an item: a text, or a doc without its id."""
    return item if isinstance(item, str) else (item.title, item.text)


def _read_ids(paths: Iterable[Path]) -> list[str]:
    return [one for path in paths for one in path.read_text(encoding="utf-8").splitlines()]
