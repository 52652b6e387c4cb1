"""The encoder ``transformer``: a text's vector is pooled from the vectors of its tokens."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeAlias

from msgspec import Meta

from effbench import Description, Doc, EffbenchError, ModelId, QueryOnly, SpeedOnly, hookimpl

if TYPE_CHECKING:
    from effbench import Vectors

os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
"""Asks Linux for large pages for torch's tensors of 2 MB and more. torch reads it once, when it
makes its first tensor. Weights in pages of 4 KB may lie scattered in memory, and push each
other out of a cache that could hold them all (docs/decisions.md has figures)."""

Count: TypeAlias = Annotated[int, Meta(ge=1)]

HALF_ON_CPU = (
    "dtype: float16 is about a hundred times slower than float32 on a CPU "
    "(say float32, or device: cuda)"
)
DEFAULT_TEMPLATE = "{title} {text}"
_FIELD = re.compile(r"\{(title|text)\}")


class Recipe(NamedTuple):
    """The options of an encoder, with lengths in tokens: an export needs them."""

    model: str
    revision: str | None
    trusted: bool
    dtype: str
    pooling: str
    normalize: bool
    query_prefix: str
    passage_prefix: str
    passage_template: str
    max_length: int
    query_max_length: int


class TransformerEncoder:
    """Encode queries and passages with the same Hugging Face transformer.

    ``model`` is a folder or a hub id with safetensors weights and a tokenizer. A text's
    vector is made from the token vectors of the last layer: their mean, their maximum, or the
    first of them (``cls``). ``normalize`` divides it by its L2 norm, so scores are cosines.

    A query is read as ``query_prefix`` and its text. A passage is read as ``passage_prefix``
    and ``passage_template`` with its title and text. Passages are cut at ``max_length``
    tokens (by default, as many as the tokenizer and the model allow), and queries at
    ``query_max_length`` tokens (by default, ``max_length``). Special tokens count.

    ``batch_tokens`` is the largest number of tokens in a batch, with padding. Its default is
    1,024 on a CPU, so that a batch fits into the CPU's caches, and 65,536 on a GPU.
    ``onednn`` computes float32 linear layers on x86 CPUs with oneDNN
    (``effbench_transformer.onednn`` says why). On a CPU, a single text goes through a float32
    BERT or RoBERTa without transformers' modules (``effbench_transformer.prepared``).

    ``attention`` chooses how transformers computes attention (by default, transformers
    chooses); ``flash_attention_2`` needs the package flash-attn, a GPU, and a half ``dtype``.
    ``compile`` compiles the transformer with torch, for large corpora on a GPU: it needs a
    C++ compiler and a minute. On a CPU it takes the place of ``onednn``.

    Raises:
        EffbenchError: the model cannot be loaded, or an option does not suit it.

    """

    def __init__(
        self,
        model: ModelId,
        *,
        revision: str | None = None,
        pooling: Literal["mean", "cls", "max"] = "mean",
        normalize: bool = False,
        query_prefix: QueryOnly[str] = "",
        passage_prefix: str = "",
        passage_template: str = DEFAULT_TEMPLATE,
        max_length: Count | None = None,
        query_max_length: QueryOnly[Count | None] = None,
        dtype: Literal["float32", "float16", "bfloat16"] = "float32",
        device: SpeedOnly[str] = "auto",
        batch_tokens: SpeedOnly[Count | None] = None,
        onednn: SpeedOnly[bool] = True,
        attention: SpeedOnly[Literal["sdpa", "flash_attention_2", "eager"] | None] = None,
        compile: SpeedOnly[bool] = False,
        trust_remote_code: bool = False,
    ) -> None:
        from effbench_transformer.loading import load
        from effbench_transformer.network import PooledNetwork
        from effbench_transformer.prepared import prepare
        from effbench_transformer.reads import reads_in, weights_in
        from effbench_transformer.tokens import length_limit, tokens_of

        tokenizer, network = load(model, revision, dtype, device, trust_remote_code, attention)
        self._parameters = weights_in(network)
        self._reads = reads_in(network)
        limit = length_limit(
            tokenizer, network, max_length, "max_length", prefix=passage_prefix
        )
        option = "max_length" if query_max_length is None else "query_max_length"
        query_limit = length_limit(
            tokenizer, network, query_max_length or limit, option, prefix=query_prefix
        )
        self._passage_tokens = tokens_of(tokenizer, limit)
        self._query_tokens = tokens_of(tokenizer, query_limit)
        own_way = attention is not None or compile
        self._embed = PooledNetwork(
            network,
            tokenizer.pad_token_id,
            pooling,
            normalize,
            batch_tokens,
            onednn,
            compiled=compile,
            prepared=None if own_way else prepare(network, first_only=pooling == "cls"),
        )
        self._recipe = Recipe(
            model,
            revision,
            trust_remote_code,
            dtype,
            pooling,
            normalize,
            query_prefix,
            passage_prefix,
            passage_template,
            limit,
            query_limit,
        )

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d]; row i belongs to query i.

        Raises:
            EffbenchError: a text's vector depends on the other texts in its batch.

        """
        texts = [self._recipe.query_prefix + query for query in queries]
        return self._embed(texts, self._query_tokens)

    def describe(self) -> Description:
        """Tell the stages tokenise, forward, pool and copy, and the tokens with the prefix."""
        return Description(
            stages={"tokenise": self._tokenise, **self._embed.stages()},
            count_tokens=lambda queries: [len(ids) for ids in self._tokenise(queries)],
            bytes_read=self._reads.of,
            query_parameters=self._parameters,
        )

    def encode_corpus(self, docs: Sequence[Doc]) -> Vectors:
        """Return float32 [len(docs), d]; row i belongs to doc i.

        Raises:
            EffbenchError: a text's vector depends on the other texts in its batch.

        """
        texts = [self._passage(doc) for doc in docs]
        return self._embed(texts, self._passage_tokens)

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write model, pooling and prompts as a folder of Sentence Transformers.

        With ``passages``, a folder of Sentence Transformers, that folder's model reads docs.

        Raises:
            EffbenchError: Sentence Transformers has no equivalent of an option.

        """
        from effbench_transformer.exporting import export

        export(self._recipe, folder, passages)

    def _tokenise(self, queries: Sequence[str]) -> list[list[int]]:
        return self._query_tokens([self._recipe.query_prefix + query for query in queries])

    def _passage(self, doc: Doc) -> str:
        template = self._recipe.passage_template
        filled = _FIELD.sub(lambda field: getattr(doc, field[1]), template)
        return self._recipe.passage_prefix + filled.strip()

    @staticmethod
    def check(*, passage_template: str, dtype: str, device: str, **_: object) -> None:
        """Raise `EffbenchError` for a template without ``{text}``, or float16 on a CPU."""
        if "{text}" not in passage_template:
            raise EffbenchError(
                f"passage_template: {passage_template!r} leaves out the text "
                "(write {text} into it)"
            )
        if dtype == "float16" and device == "cpu":
            raise EffbenchError(HALF_ON_CPU)


@hookimpl
def effbench_encoders() -> Mapping[str, type[TransformerEncoder]]:
    """Offer ``transformer``."""
    return {"transformer": TransformerEncoder}


@hookimpl
def effbench_ready_rows() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Offer all-MiniLM-L6-v2."""
    from effbench_transformer.ready import MINILM, MINILM_NAME

    return {"encoders": {MINILM_NAME: MINILM}}
