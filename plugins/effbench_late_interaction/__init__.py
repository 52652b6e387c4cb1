"""The encoders ``late-interaction`` and ``muvera``: token vectors, and one vector of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from msgspec import Meta

from effbench import Description, Doc, EffbenchError, ModelId, QueryOnly, SpeedOnly, hookimpl
from effbench_late_interaction.muvera import MuveraEncoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Count: TypeAlias = Annotated[int, Meta(ge=1)]


class LateInteractionEncoder:
    """Encode with a `MultiVectorEncoder` of Sentence Transformers: a vector for each token.

    ``model`` is a folder or a hub id: a model of that class, a model of PyLate or of Stanford's
    ColBERT, or any transformer, whose token vectors are normalised then, without a projection.

    Queries are cut at ``query_length`` tokens, and docs at ``doc_length``; the defaults are the
    model's. ``query_expansion: true`` fills short queries up to their length (32 by default)
    with mask tokens, which are scored too; ``false`` does not, and the default is the model's.
    ``query_prompt`` and ``passage_prompt`` take the place of the prompts in the model.

    ``dims`` cuts each vector after so many dimensions, and normalises it. ``pool_factor: 2``
    keeps half of a doc's vectors: the most similar ones become their mean (Clavie, Chaffin and
    Adams, arXiv 2409.14683). A text without tokens has one vector, zeros.

    ``batch_size`` is in texts. Its default is 8 on a CPU, so that a batch fits into the CPU's
    caches, and 32 on a GPU. ``onednn`` computes float32 linear layers on x86 CPUs with oneDNN,
    as in ``transformer``.

    Raises:
        EffbenchError: the model cannot be loaded, or an option does not suit it.

    """

    makes: ClassVar[str] = "tokens"
    requires: ClassVar[Mapping[str, str]] = {
        "sentence_transformers": "effbench[sentence-transformers]"
    }

    def __init__(
        self,
        model: ModelId,
        *,
        revision: str | None = None,
        query_prompt: QueryOnly[str | None] = None,
        passage_prompt: str | None = None,
        query_length: QueryOnly[Count | None] = None,
        query_expansion: QueryOnly[bool | None] = None,
        doc_length: Count | None = None,
        dims: Count | None = None,
        pool_factor: Annotated[float, Meta(ge=1)] = 1.0,
        dtype: Literal["float32", "float16", "bfloat16"] = "float32",
        device: SpeedOnly[str] = "auto",
        batch_size: SpeedOnly[Count | None] = None,
        onednn: SpeedOnly[bool] = True,
        trust_remote_code: bool = False,
    ) -> None:
        from effbench_late_interaction import loading, network
        from effbench_sentence_transformers.loading import query_parameters
        from effbench_transformer.onednn import pack_linears

        loaded = loading.load(model, revision, dtype, device, trust_remote_code)
        _check_dims(dims, loaded.get_embedding_dimension())
        prompts = {
            network.QUERY: _prompt(loaded, query_prompt, network.QUERY),
            network.DOCUMENT: _prompt(loaded, passage_prompt, network.DOCUMENT, "passage"),
        }
        loading.cut_queries(loaded, query_length, query_expansion, prompts[network.QUERY])
        loading.cut_docs(loaded, doc_length, prompts[network.DOCUMENT])
        self._parameters = query_parameters(loaded)
        if onednn and loaded.device.type == "cpu":
            pack_linears(loaded)
        shape = network.Shape(dims, pool_factor)
        self._read = network.TokenNetwork(model, loaded, prompts, batch_size, shape)

    def encode_queries(self, queries: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return float32 [tokens, d] for each query.

        Raises:
            EffbenchError: a text's vectors depend on the other texts in its batch.

        """
        return self._read(queries, "query")

    def encode_corpus(self, docs: Sequence[Doc]) -> list[NDArray[np.float32]]:
        """Return float32 [tokens, d] for each doc.

        Raises:
            EffbenchError: a text's vectors depend on the other texts in its batch.

        """
        return self._read([doc.default_text() for doc in docs], "document")

    def describe(self) -> Description:
        """Tell the stages tokenise, forward and copy, the tokens, and the parameters."""
        return Description(
            stages=self._read.stages(),
            count_tokens=self._read.count_tokens,
            query_parameters=self._parameters,
        )

    @staticmethod
    def check(*, dtype: str, device: str, **_: object) -> None:
        """Raise `EffbenchError` for float16 on a CPU."""
        if dtype == "float16" and device == "cpu":
            from effbench_transformer import HALF_ON_CPU

            raise EffbenchError(HALF_ON_CPU)


def _check_dims(dims: int | None, width: int) -> None:
    if dims is not None and dims > width:
        raise EffbenchError(
            f"dims: {dims} is more than the {width} of the model's vectors (say {width} or "
            "fewer)"
        )


def _prompt(model: Any, given: str | None, *stored: str) -> str:
    """Return the text before each query or doc: the one given, or the first that is stored."""
    if given is not None:
        return given
    return next((model.prompts[name] for name in stored if model.prompts.get(name)), "")


@hookimpl
def effbench_encoders() -> Mapping[str, type[LateInteractionEncoder | MuveraEncoder]]:
    """Offer ``late-interaction`` and ``muvera``."""
    return {"late-interaction": LateInteractionEncoder, "muvera": MuveraEncoder}
