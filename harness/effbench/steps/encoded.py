"""The vectors that encoders return: checked, copied, and converted for the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from effbench.api.errors import EffbenchError
from effbench.api.searching import DENSE
from effbench.guard.blame import blamed_for_all
from effbench.steps.writing import shard_of
from effbench.store import space
from effbench.vectors.kinds import KINDS
from effbench.vectors.unfit import Unfit
from effbench.work.effort import vectors_bytes
from effbench.work.rows import Row

if TYPE_CHECKING:
    from effbench.store.artifacts import Artifact
    from effbench.vectors.kinds import AnyVectors


def encode_corpus(encoder: Any, row: Row, advice: str) -> Callable[[Sequence[Any]], AnyVectors]:
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


def encode_queries(encoder: Any, row: Row, noun: str) -> Callable[[Sequence[Any]], AnyVectors]:
    """Return an encoder's ``encode_queries``, wrapped; messages call its items ``noun``."""
    with blamed_for_all(row.who):
        encode = encoder.encode_queries
    return _checking_vectors(encode, row, noun)


def as_float16(
    encode: Callable[[Sequence[Any]], AnyVectors], row: Row
) -> Callable[[Sequence[Any]], AnyVectors]:
    """Wrap an encoder's method: the wrapper returns numbers of 16 bits.

    It raises `EffbenchError` if a number is too large for this type.
    """
    import numpy as np

    kind = KINDS[row.offer.makes]

    def call(items: Sequence[Any]) -> AnyVectors:
        vectors = encode(items)
        with np.errstate(over="ignore"):  # a number too large becomes infinite
            halves = vectors.astype(np.float16)
        if not np.isfinite(kind.arrays(halves)[0]).all():
            largest = np.abs(kind.arrays(vectors)[0]).max()
            raise EffbenchError(
                f"{row.who}: its largest number, {largest:.3g}, does not fit "
                "float16, which ends at 65,504 (leave out store: float16)"
            )
        return halves

    return call


def checking_space(
    encode: Callable[[Sequence[Any]], Any], row: Row, docs: int | None, artifact: Artifact
) -> Callable[[Sequence[Any]], Any]:
    """Wrap an encoder's method: its first call checks that all vectors will fit on the disk.

    Nobody knows their width before. The wrapper raises `EffbenchError` if they do not fit. The
    size of vectors that are not dense depends on the texts, and is not checked.
    """
    if row.offer.makes != DENSE:
        return encode
    widths: list[int] = []

    def call(items: Sequence[Any]) -> Any:
        vectors = encode(items)
        if not widths:
            widths.append(vectors.shape[1])
            least = vectors_bytes(docs, widths[0], shard_of(DENSE), vectors.itemsize)
            least -= artifact.size_of_parts()
            space.check([space.Need(artifact.folder, least, space.STORE)])
        return vectors

    return call


def _checking_vectors(
    encode: Callable[[Sequence[Any]], Any], row: Row, noun: str
) -> Callable[[Sequence[Any]], AnyVectors]:
    """Wrap an encoder's method: the wrapper returns finite float32 vectors of the row's kind.

    It returns a copy, since an encoder may write its next batch into the same array. The
    encoder gets a new list, which it may change. The wrapper raises `EffbenchError`, which
    names the row and its plugin, if the vectors are wrong, or if their width has changed.
    """
    kind = KINDS[row.offer.makes]
    who = f"{row.who}: encode_{'corpus' if noun == 'docs' else 'queries'} returned"
    widths: set[int] = set()

    def call(items: Sequence[Any]) -> AnyVectors:
        with blamed_for_all(row.who):
            taken = kind.taken(encode(list(items)))
        try:
            vectors = kind.checked(taken, f"{len(items)} {noun}", len(items))
        except Unfit as error:
            item = "" if error.item is None else f" for {_shown(items[error.item])}"
            raise EffbenchError(f"{who} {error.what}{item} ({error.wanted})") from error
        widths.add(vectors.shape[1])
        if len(widths) > 1:
            both = " and ".join(map(str, sorted(widths)))
            raise EffbenchError(f"{who} vectors of width {both} (one width for all)")
        return vectors

    return call


def _shown(item: Any) -> str:
    text = repr(getattr(item, "doc_id", item))
    return text if len(text) <= 60 else text[:57] + "..."
