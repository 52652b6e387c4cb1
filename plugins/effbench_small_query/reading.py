"""Query encoding with static and transformer students, and the opening of all students."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from effbench import Description, Doc, EffbenchError, Encoder, ModelId, QueryEncoder
from effbench_small_query.kinds import Kind, kind_of
from effbench_small_query.light import Static
from effbench_small_query.vocabulary import refuse_words_without_vectors

if TYPE_CHECKING:
    from effbench import Vectors
    from effbench_transformer.network import PooledNetwork, Reads

NOT_INT8 = {
    "static": "a static student multiplies nothing",
    "other": "only recurrent and transformer students of align take it",
}


def open_student(folder: Path, device: str, int8: bool, precompute: bool) -> QueryEncoder:
    """Return the encoder of the student in ``folder``.

    If the folder holds a passage encoder too, the result also encodes passages.

    Raises:
        EffbenchError: the folder holds no student, its files are damaged, or the student does
            not take an option.

    """
    student: Any = _open(folder, device, int8, precompute)
    if (folder / "passages").is_dir():
        student.encode_corpus = PassageSide(folder / "passages", device).encode_corpus
    return student  # type: ignore[no-any-return]


def _open(folder: Path, device: str, int8: bool, precompute: bool) -> QueryEncoder:
    try:
        kind = kind_of(folder)
        if int8 and kind.cell in NOT_INT8:
            raise EffbenchError(f"small-query: int8: {NOT_INT8[kind.cell]} (leave it out)")
        if kind.cell == "static":
            return StaticReader(folder, kind.normalize)
        if kind.cell == "transformer":
            return _transformer(folder, kind, device, int8)
        if kind.cell == "other":
            from effbench_small_query.library import LibraryReader

            return LibraryReader(folder, device)
        from effbench_small_query.typing_reader import RecurrentReader

        return RecurrentReader(folder, kind.normalize, device, int8, precompute)
    except EffbenchError:
        raise
    except Exception as error:  # such as tokenizers, which raises just Exception
        name = "KeyError: " if isinstance(error, KeyError) else ""  # its text is only the key
        reason = textwrap.shorten(f"{name}{error}", 160, placeholder=" ...")
        raise EffbenchError(
            f"small-query: model: no whole student in {folder}: {reason} (train it again)"
        ) from error


class StaticReader:
    """A static student: a query's vector is the mean of its tokens' rows in one table."""

    def __init__(self, folder: Path, normalize: bool) -> None:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        table = load_file(folder / "model.safetensors")["embedding.weight"]
        self._table: Vectors = np.asarray(table, dtype=np.float32)
        refuse_words_without_vectors(tokenizer, len(self._table))
        self._student = Static(tokenizer, self._table, normalize)
        self._folder = folder

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d]; zeros for a query without a token."""
        return self._student.encode(queries)

    def describe(self) -> Description:
        """Tell the stages tokenise and pool; a token reads its row of the table."""
        student, row = self._student, self._table[0].nbytes
        return Description(
            stages={"tokenise": student.tokenise, "pool": student.pool},
            count_tokens=lambda queries: [len(ids) for ids in student.tokenise(queries)],
            bytes_read=lambda tokens: tokens * row,
            query_parameters=self._table.size,
        )

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write the student, the passage encoder and the light reader into one folder."""
        from effbench_small_query.exporting import export

        export(self._folder, folder, passages)


class ProjectedReader:
    """A transformer student: its pooled vector, projected if the teacher's width differs."""

    def __init__(
        self,
        tokens: Callable[[Sequence[str]], list[list[int]]],
        embed: PooledNetwork,
        projection: Projection,
        normalize: bool,
        query_parameters: int,
        reads: Reads,
        folder: Path,
        int8: bool,
    ) -> None:
        self._parameters = query_parameters
        self._tokens = tokens
        self._embed = embed
        self._reads = reads
        self._projection = projection
        self._normalize = normalize
        self._folder = folder
        self._int8 = int8

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d]; row i belongs to query i."""
        return self._finish(self._embed(queries, self._tokens))

    def describe(self) -> Description:
        """Tell the stages tokenise, forward, pool, copy and finish.

        The stage finish projects and normalises.
        """
        projection = self._projection.parameters * 4
        return Description(
            stages={"tokenise": self._tokens, **self._embed.stages(), "finish": self._finish},
            count_tokens=lambda queries: [len(ids) for ids in self._tokens(queries)],
            bytes_read=lambda tokens: self._reads.of(tokens) + projection,
            query_parameters=self._parameters,
        )

    def _finish(self, vectors: Vectors) -> Vectors:
        vectors = self._projection.project(vectors)
        if not self._normalize:
            return vectors
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit_vectors: Vectors = vectors / np.maximum(lengths, np.float32(1e-12))
        return unit_vectors

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write the student and the passage encoder into one folder."""
        from effbench_small_query.exporting import export

        export(self._folder, folder, passages, int8=self._int8)


class Projection(NamedTuple):
    """The linear layer from the student's width to the teacher's width."""

    project: Callable[[Vectors], Vectors]
    """float32 [b, student's width] -> [b, teacher's width]."""

    parameters: int
    """The number of its float32 weights; 0 if the widths are equal."""


class PassageSide:
    """The passage encoder that a student was trained with; it is loaded when first used."""

    def __init__(self, folder: Path, device: str) -> None:
        self._folder, self._device = folder, device

    def encode_corpus(self, docs: Sequence[Doc]) -> Vectors:
        """Return float32 [len(docs), d]; row i belongs to doc i."""
        return self._encoder.encode_corpus(docs)

    @cached_property
    def _encoder(self) -> Encoder:
        from effbench_sentence_transformers import SentenceTransformersEncoder

        return SentenceTransformersEncoder(ModelId(str(self._folder)), device=self._device)


def _transformer(folder: Path, kind: Kind, device: str, int8: bool) -> ProjectedReader:
    from effbench_small_query.int8 import bytes_in, quantize_linears, refuse_unless_cpu
    from effbench_transformer.loading import load
    from effbench_transformer.network import PooledNetwork, reads_in, weights_in
    from effbench_transformer.tokens import length_limit, tokens_of

    tokenizer, network = load(str(folder), None, "float32", device, False)
    if getattr(network, "pooler", None) is not None:
        network.pooler = None  # nobody reads BERT's pooler: it costs a twelfth of a layer
    projection = _projection(kind.dense)
    parameters = projection.parameters + weights_in(network)
    if int8:
        refuse_unless_cpu(network.device)
        quantize_linears(network)
    reads = reads_in(network)
    reads = reads._replace(once=reads.once + bytes_in(network))
    limit = length_limit(tokenizer, network, None, "max_length")
    embed = PooledNetwork(
        network,
        tokenizer.pad_token_id,
        kind.pooling,
        False,
        1 if int8 else None,  # one text at a time: the texts of a batch would share one scale
        not int8,
    )
    tokens = tokens_of(tokenizer, limit)
    return ProjectedReader(
        tokens, embed, projection, kind.normalize, parameters, reads, folder, int8
    )


def _projection(folder: Path | None) -> Projection:
    """Return the projection of a linear layer's folder, or one that changes nothing."""
    if folder is None:
        return Projection(lambda vectors: vectors, 0)
    weights = load_file(folder / "model.safetensors")
    weight, bias = weights["linear.weight"].T, weights["linear.bias"]
    return Projection(lambda vectors: vectors @ weight + bias, weight.size + bias.size)
