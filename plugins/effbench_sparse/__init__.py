"""The encoder ``sparse``: learned weights of words, as Sentence Transformers reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from msgspec import Meta

from effbench import Description, Doc, EffbenchError, ModelId, QueryOnly, SpeedOnly, hookimpl

if TYPE_CHECKING:
    from effbench import SparseVectors

Count: TypeAlias = Annotated[int, Meta(ge=1)]


class SparseTextEncoder:
    """Encode with a `SparseEncoder` of Sentence Transformers: SPLADE and models like it.

    ``model`` is a folder or a hub id with safetensors weights. A model without ``modules.json``
    that has a head for masked words is read as SPLADE: max pooling of log(1 + relu). If the
    model has a Router, queries and docs take its routes for queries and documents. A route that
    only looks up a weight for each word (inference-free) runs no network. The prompts are those
    that are stored in the model.

    ``doc_words`` and ``query_words`` keep so many of a text's words, those with the largest
    weights, and the first words of the vocabulary among equals. Texts are cut at ``max_length``
    tokens (by default, at the model's limit), queries at ``query_max_length`` (by default, at
    ``max_length``).

    A row of queries alone names its docs: ``{use: sparse, model: TABLE, passages: ROW}``.

    Raises:
        EffbenchError: the model cannot be loaded, or an option does not suit it.

    """

    makes = "sparse"
    requires: ClassVar[Mapping[str, str]] = {
        "sentence_transformers": "effbench[sentence-transformers]"
    }

    def __init__(
        self,
        model: ModelId,
        *,
        revision: str | None = None,
        query_words: QueryOnly[Count | None] = None,
        doc_words: Count | None = None,
        max_length: Count | None = None,
        query_max_length: QueryOnly[Count | None] = None,
        dtype: Literal["float32", "float16", "bfloat16"] = "float32",
        device: SpeedOnly[str] = "auto",
        batch_size: SpeedOnly[Count] = 32,
        trust_remote_code: bool = False,
    ) -> None:
        from effbench_sparse.sides import Source, open_sides

        self._source = Source(
            model, revision, dtype, device, trust_remote_code, query_max_length, max_length
        )
        self._queries, self._docs, self.words = open_sides(self._source, batch_size)
        self._query_words, self._doc_words = query_words, doc_words

    def encode_queries(self, queries: Sequence[str]) -> SparseVectors:
        """Return a csr_array, float32 [len(queries), words]; row i belongs to query i.

        Raises:
            EffbenchError: a text's vector depends on the other texts in its batch.

        """
        from effbench_sparse.heaviest import heaviest

        return heaviest(self._queries(queries), self._query_words)

    def encode_corpus(self, docs: Sequence[Doc]) -> SparseVectors:
        """Return a csr_array, float32 [len(docs), words]; row i belongs to doc i.

        Raises:
            EffbenchError: a text's vector depends on the other texts in its batch.

        """
        from effbench_sparse.heaviest import heaviest

        return heaviest(self._docs([doc.default_text() for doc in docs]), self._doc_words)

    def describe(self) -> Description:
        """Tell the stages and parameters of queries; without a network, the bytes read too."""
        from effbench_sparse.heaviest import heaviest

        stages = dict(self._queries.stages())
        name, last = stages.popitem()
        stages[name] = lambda read: heaviest(last(read), self._query_words)
        return Description(
            stages=stages,
            count_tokens=self._queries.count_tokens,
            bytes_read=self._queries.bytes_read,
            query_parameters=self._queries.parameters,
        )

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write the model with its prompts, its limits and the numbers of words that it keeps.

        With ``passages``, a folder of a `SparseEncoder`, that folder's model reads the docs.

        Raises:
            EffbenchError: the library has no equivalent of an option.

        """
        from effbench_sparse.exporting import export

        export(self._source, (self._query_words, self._doc_words), folder, passages)

    @staticmethod
    def check(*, dtype: str, device: str, **_: object) -> None:
        """Raise `EffbenchError` for float16 on a CPU."""
        if dtype == "float16" and device == "cpu":
            from effbench_transformer import HALF_ON_CPU

            raise EffbenchError(HALF_ON_CPU)


@hookimpl
def effbench_encoders() -> Mapping[str, type[SparseTextEncoder]]:
    """Offer ``sparse``."""
    return {"sparse": SparseTextEncoder}


@hookimpl
def effbench_ready_rows() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Offer models of record from the hub."""
    from effbench_sparse.ready import ROWS

    return {"encoders": ROWS}
