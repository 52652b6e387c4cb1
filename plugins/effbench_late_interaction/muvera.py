"""The encoder ``muvera``: one dense vector for the token vectors of a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from msgspec import Meta

from effbench import Doc, EffbenchError, EncodedCorpus

if TYPE_CHECKING:
    from effbench import TokenVectors, Vectors
    from effbench_late_interaction.fixed import FixedEncoding

Count: TypeAlias = Annotated[int, Meta(ge=1)]


class MuveraEncoder:
    """Turn the token vectors of another row into one dense vector: MUVERA.

    ``tokens`` is a row of encoders that makes token vectors; those of the docs are read from
    disk, where that row keeps them. The inner product of a query's and a doc's vector is about
    the MaxSim of their token vectors (Dhulipala, Hadian, Jayaram, Lee and Mirrokni, arXiv
    2405.19504).

    ``bits`` random planes cut the space of the token vectors into 2^bits buckets. Where these
    vectors have more than ``projection`` dimensions, random signs project them. A vector has a
    part for each bucket, and that ``repetitions`` times with other planes: 20 * 32 * 16 =
    10,240 dimensions with the defaults. ``dims`` hashes them into fewer (a count sketch).
    """

    takes: ClassVar[tuple[str, ...]] = ("tokens",)

    def __init__(
        self,
        tokens: EncodedCorpus,
        *,
        repetitions: Count = 20,
        bits: Annotated[int, Meta(ge=0, le=10)] = 5,
        projection: Count = 16,
        dims: Count | None = None,
        seed: Annotated[int, Meta(ge=0)] = 0,
    ) -> None:
        self._tokens: Any = tokens
        self._options = (repetitions, bits, projection, dims, seed)
        self._encoding: FixedEncoding | None = None

    @staticmethod
    def check(
        *, repetitions: int, bits: int, projection: int, dims: int | None, **_: object
    ) -> None:
        """Raise `EffbenchError` for more ``dims`` than there can be."""
        most = repetitions * projection << bits
        if dims is not None and dims > most:
            raise EffbenchError(
                f"muvera: dims {dims} is more than repetitions * 2^bits * projection = {most} "
                "(leave it out)"
            )

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), dims]."""
        tokens = self._tokens.encode_queries(queries)
        return self._of(tokens).queries(tokens)

    def encode_corpus(self, docs: Sequence[Doc]) -> Vectors:
        """Return float32 [len(docs), dims]."""
        tokens = self._tokens.vectors([doc.doc_id for doc in docs])
        return self._of(tokens).docs(tokens)

    def _of(self, tokens: TokenVectors) -> FixedEncoding:
        """Return the encoding of vectors of this width, which only vectors tell."""
        if self._encoding is None:
            from effbench_late_interaction.fixed import FixedEncoding

            self._encoding = FixedEncoding(tokens.shape[1], *self._options)
        return self._encoding
