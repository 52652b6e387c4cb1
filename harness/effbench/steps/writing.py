"""The writing of vectors in shards: a shard is whole or absent, and a killed run keeps it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import count, islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from effbench.api.errors import EffbenchError
from effbench.steps.shards import IDS, VECTORS, ids_in
from effbench.store.artifacts import Artifact
from effbench.store.digests import file_sha256
from effbench.store.disk import read_sealed, save_array, sealed

if TYPE_CHECKING:
    from effbench.api.encoders import Vectors
    from effbench.work.code import Code
    from effbench.work.progress import Tally

Item = TypeVar("Item")

SHARD = 16_384
"""Rows in a shard: encoding holds so many in memory, and a killed run loses no more."""

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
    only: range | None = None,
) -> Shards:
    """Encode (id, item) pairs into shards; keep the whole shards of an earlier attempt.

    A shard is kept only if plugins with the same ``code`` have made it: an author who mends
    an encoder that failed half-way wants no vectors of the old code.

    Equal items (without a doc's id) are encoded once in a shard. The last bit of a vector
    depends on the rest of its batch, and equal texts must get equal vectors, to tie.

    With ``only``, the shards of other numbers are left to others; the result is of these alone.

    Returns:
        The rows, their width, and the encoder's seconds, with those of the kept shards.

    """
    remaining = iter(items)
    rows, width, seconds = 0, 0, 0.0
    for number in count():
        if only is not None and number < only.start:
            deque(islice(remaining, SHARD), maxlen=0)
            continue
        shard = [] if only and number >= only.stop else list(islice(remaining, SHARD))
        if not shard:
            break
        names, ids = _names(number), [item_id for item_id, _ in shard]
        facts = _shard_facts(artifact, names, ids, code)
        if facts is None:
            facts = _write_shard(artifact, names, shard, encode, advance, code)
        else:
            advance.skip(len(shard))
        rows, width, seconds = rows + len(shard), facts["width"], seconds + facts["seconds"]
    return Shards(rows, width, seconds)


def shards_kept(folder: Path) -> int:
    """Return how many shards an unfinished attempt has left in its folder."""
    return sum(1 for _ in folder.glob(f"[0-9]*{VECTORS}"))


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
        and ids_in([artifact.folder / names.ids]) == ids
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
