"""The vectors that encoders return: checked, copied, and converted for the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed_for_all
from effbench.steps.writing import SHARD
from effbench.store import space
from effbench.work.effort import vectors_bytes
from effbench.work.rows import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench.api.encoders import Vectors
    from effbench.store.artifacts import Artifact


def encode_corpus(encoder: Any, row: Row, advice: str) -> Callable[[Sequence[Any]], Vectors]:
    """Return an encoder's ``encode_corpus``, wrapped so that its vectors are checked.

    Raises:
        EffbenchError: the encoder has no such method; ``advice`` is the end of the message.

    """
    with blamed_for_all(row.who):
        encode = getattr(encoder, "encode_corpus", None)
    if encode is None:
        raise EffbenchError(
            f"{row.who} has no encode_corpus: it encodes queries only ({advice})"
        )
    return _checking_vectors(encode, row, "docs")


def encode_queries(encoder: Any, row: Row, noun: str) -> Callable[[Sequence[Any]], Vectors]:
    """Return an encoder's ``encode_queries``, wrapped; messages call its items ``noun``."""
    with blamed_for_all(row.who):
        encode = encoder.encode_queries
    return _checking_vectors(encode, row, noun)


def as_float16(
    encode: Callable[[Sequence[Any]], Vectors], row: Row
) -> Callable[[Sequence[Any]], Vectors]:
    """Wrap an encoder's method: the wrapper returns float16 [n, d].

    It raises `EffbenchError` if a number is too large for this type.
    """
    import numpy as np

    def call(items: Sequence[Any]) -> Vectors:
        vectors = encode(items)
        with np.errstate(over="ignore"):  # a number too large becomes infinite
            halves: Any = vectors.astype(np.float16)
        if not np.isfinite(halves).all():
            raise EffbenchError(
                f"{row.who}: its largest number, {np.abs(vectors).max():.3g}, does not fit "
                "float16, which ends at 65,504 (leave out store: float16)"
            )
        kept: Vectors = halves
        return kept

    return call


def checking_space(
    encode: Callable[[Sequence[Any]], Vectors], docs: int | None, artifact: Artifact
) -> Callable[[Sequence[Any]], Vectors]:
    """Wrap an encoder's method: its first call checks that all vectors will fit on the disk.

    Nobody knows their width before. The wrapper raises `EffbenchError` if they do not fit.
    """
    widths: list[int] = []

    def call(items: Sequence[Any]) -> Vectors:
        vectors = encode(items)
        if not widths:
            widths.append(vectors.shape[1])
            least = vectors_bytes(docs, widths[0], SHARD, vectors.itemsize)
            least -= artifact.size_of_parts()
            space.check([space.Need(artifact.folder, least, space.STORE)])
        return vectors

    return call


def _checking_vectors(
    encode: Callable[[Sequence[Any]], Any], row: Row, noun: str
) -> Callable[[Sequence[Any]], Vectors]:
    """Wrap an encoder's method: the wrapper returns finite, contiguous float32 [n, d].

    It returns a copy, since an encoder may write its next batch into the same array. The
    encoder gets a new list, which it may change. The wrapper raises `EffbenchError`, which
    names the row and its plugin, if the vectors are wrong, or if their width has changed.
    """
    import numpy as np

    who = f"{row.who}: encode_{'corpus' if noun == 'docs' else 'queries'} returned"
    widths: set[int] = set()

    def call(items: Sequence[Any]) -> Vectors:
        with blamed_for_all(row.who):
            answer = encode(list(items))
            array, masked = np.asarray(answer), np.ma.is_masked(answer)
        if masked:  # a masked value would be taken for a number
            raise EffbenchError(f"{who} a masked array (float vectors [n, d] are wanted)")
        _check_shape(array, f"{len(items)} {noun}", len(items), who)
        with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite
            vectors = np.array(array, dtype=np.float32, order="C")
        if not np.isfinite(vectors).all():
            bad = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
            raise EffbenchError(
                f"{who} NaN or infinity for {_shown(items[bad])} (finite numbers are wanted)"
            )
        widths.add(vectors.shape[1])
        if len(widths) > 1:
            both = " and ".join(map(str, sorted(widths)))
            raise EffbenchError(f"{who} vectors of width {both} (one width for all)")
        return vectors

    return call


def _check_shape(array: NDArray[Any], items: str, count: int, who: str) -> None:
    """Refuse an array that is not floats [n, d] with a row for each of ``count`` items."""
    if array.ndim != 2 or array.dtype.kind != "f" or array.shape[1] == 0:
        raise EffbenchError(
            f"{who} {array.dtype} {list(array.shape)} (float vectors [n, d] are wanted)"
        )
    if len(array) != count:
        raise EffbenchError(f"{who} {len(array)} rows for {items} (one row each, in order)")


def _shown(item: Any) -> str:
    text = repr(getattr(item, "doc_id", item))
    return text if len(text) <= 60 else text[:57] + "..."
