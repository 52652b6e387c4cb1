"""The writing of vectors in shards: a shard is whole or absent, and a killed run keeps it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from effbench.api.errors import EffbenchError
from effbench.api.searching import DENSE
from effbench.steps.shards import IDS, ids_in
from effbench.store.artifacts import Artifact
from effbench.store.digests import file_sha256
from effbench.store.disk import read_sealed, save_array, sealed
from effbench.vectors.kinds import KINDS
from effbench.work.progress import encoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench.vectors.kinds import AnyVectors, VectorKind
    from effbench.work.code import Code
    from effbench.work.progress import Tally

Item = TypeVar("Item")

SHARD = 16_384
"""Rows in a shard of dense vectors: encoding holds two shards in memory, and a killed run loses
at most two."""

BATCH = 4_096
"""Rows that an encoder gets at once: enough to sort by length, and to keep a GPU busy."""


class Shards(NamedTuple):
    """The facts of a finished encoding, which its manifest holds; time in seconds."""

    rows: int
    width: int
    seconds: float

    vectors: str
    """The kind of the vectors."""


def shard_of(makes: str) -> int:
    """Return the number of rows in a shard of a kind of vectors."""
    return max(1, SHARD // KINDS[makes].fraction)


def write_shards(
    artifact: Artifact,
    items: Iterable[tuple[str, Item]],
    encode: Callable[[Sequence[Item]], AnyVectors],
    advance: Tally,
    code: Code,
    only: range | None = None,
    *,
    makes: str = DENSE,
    by_id: bool = False,
) -> Shards:
    """Encode (id, item) pairs into shards; keep the whole shards of an earlier attempt.

    A shard is kept only if plugins with the same ``code`` have made it: an author who mends
    an encoder that failed half-way wants no vectors of the old code.

    Equal items (without a doc's id) are encoded once in a shard. The last bit of a vector
    depends on the rest of its batch, and equal texts must get equal vectors, to tie. With
    ``by_id``, each item is encoded: the encoder tells docs of one text apart.

    ``makes`` is the kind of the vectors that ``encode`` returns. With ``only``, the shards of
    other numbers are left to others; the result is of these alone.
    A thread writes a shard while the next shard is encoded.

    Returns:
        The rows, their width, and the encoder's seconds, with those of the kept shards.

    """
    rows, width, seconds, kind = 0, 0, 0.0, KINDS[makes]
    with _one_behind() as begin:
        for number, shard in _shards(items, shard_of(makes), only):
            names, ids = _names(number, kind), [item_id for item_id, _ in shard]
            facts = _shard_facts(artifact, names, ids, code)
            if facts is None:
                vectors, lasted = _encoded(shard, encode, advance, kind, by_id=by_id)
                facts = {"width": vectors.shape[1], "seconds": lasted, "code": code}
                arrays = kind.arrays(vectors)
                begin(partial(_write_shard, artifact, names, ids, arrays, facts))
            else:
                advance.skip(len(shard))
            rows, width, seconds = rows + len(shard), facts["width"], seconds + facts["seconds"]
    return Shards(rows, width, seconds, makes)


def _shards(
    items: Iterable[tuple[str, Item]], size: int, only: range | None
) -> Iterator[tuple[int, list[tuple[str, Item]]]]:
    """Yield the number and the ``size`` items of each shard, or of each shard in ``only``."""
    remaining = iter(items)
    for number in count():
        if only is not None and number < only.start:
            deque(islice(remaining, size), maxlen=0)
            continue
        shard = [] if only and number >= only.stop else list(islice(remaining, size))
        if not shard:
            return
        yield number, shard


@contextmanager
def _one_behind() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Give a function that begins a piece of work in a thread, when that before has ended.

    Its errors are raised by the next call, or at the end of the block. The thread runs no code
    of a plugin, and it ends with its piece: a plugin that forks meets no idle thread.
    """
    last: list[Future[None]] = []

    def begin(work: Callable[[], None]) -> None:
        while last:
            last.pop().result()
        pool = ThreadPoolExecutor(1, "writing")
        last.append(pool.submit(work))
        pool.shutdown(wait=False)

    try:
        yield begin
    except BaseException:  # what has been encoded is not lost
        wait(last)
        raise
    while last:
        last.pop().result()


def shards_kept(folder: Path) -> int:
    """Return how many shards an unfinished attempt has left in its folder."""
    return sum(1 for _ in folder.glob("[0-9]*.json"))


class _Names(NamedTuple):
    vectors: tuple[str, ...]
    ids: str
    facts: str


def _names(number: int, kind: VectorKind) -> _Names:
    vectors = tuple(f"{number:05}{suffix}" for suffix in kind.suffixes)
    return _Names(vectors, f"{number:05}{IDS}", f"{number:05}.json")


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
    files = {name: facts["files"].get(name, "") for name in (*names.vectors, names.ids)}
    whole = (
        facts["key"] == artifact.folder.name
        and facts.get("code") == code
        and all(
            artifact.take_up(name, sha256)
            for name, sha256 in (*files.items(), (path.name, file_sha256(path)))
        )
        and ids_in([artifact.folder / names.ids]) == ids
    )
    return facts if whole else None


def _encoded(
    shard: list[tuple[str, Item]],
    encode: Callable[[Sequence[Item]], AnyVectors],
    advance: Tally,
    kind: VectorKind,
    *,
    by_id: bool,
) -> tuple[AnyVectors, float]:
    """Return the vectors of a shard, and the seconds of the encoder."""
    import numpy as np

    contents = [item_id if by_id else _encoded_part(item) for item_id, item in shard]
    distinct: dict[Hashable, Item] = {}
    for content, (_, item) in zip(contents, shard, strict=True):
        distinct.setdefault(content, item)
    rows = {content: row for row, content in enumerate(distinct)}
    items = list(distinct.values())
    parts = []
    seconds = 0.0
    for begin in range(0, len(items), BATCH):
        batch = items[begin : begin + BATCH]
        start = perf_counter()
        with encoding(advance, len(batch)):
            parts.append(encode(batch))
        seconds += perf_counter() - start
    advance(len(shard) - len(items))
    vectors = kind.joined(parts)
    if len(items) < len(shard):
        vectors = vectors[np.array([rows[content] for content in contents])]
    return vectors, seconds


def _write_shard(
    artifact: Artifact,
    names: _Names,
    ids: list[str],
    arrays: Sequence[NDArray[Any]],
    facts: dict[str, Any],
) -> None:
    for name, array in zip(names.vectors, arrays, strict=True):
        artifact.put(name, partial(save_array, array=array))
    artifact.put_text(names.ids, "".join(f"{item_id}\n" for item_id in ids))
    files = {name: artifact.kept[name] for name in (*names.vectors, names.ids)}
    facts = {"key": artifact.folder.name, **facts, "files": files}
    artifact.put_text(names.facts, sealed(facts))


def _encoded_part(item: Any) -> Hashable:
    """Return the part of an item that an encoder uses: a text, or a doc without its id."""
    return item if isinstance(item, str) else (item.title, item.text)
