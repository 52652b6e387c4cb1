"""Query encoding with transformer students: a pooled network, and a linear layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from safetensors.numpy import load_file

from effbench import Description
from effbench_small_query.int8 import bytes_in, quantize_linears
from effbench_small_query.kinds import Kind, Options, refuse_int8_unless_cpu
from effbench_transformer.loading import load
from effbench_transformer.network import PooledNetwork
from effbench_transformer.prepared import prepare
from effbench_transformer.reads import Reads, reads_in, weights_in
from effbench_transformer.tokens import length_limit, tokens_of

if TYPE_CHECKING:
    from effbench import Vectors


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


def open_transformer(folder: Path, kind: Kind, options: Options) -> ProjectedReader:
    """Return the encoder of a transformer student."""
    int8 = options.int8
    tokenizer, network = load(str(folder), None, "float32", options.device, False)
    if getattr(network, "pooler", None) is not None:
        network.pooler = None  # nobody reads BERT's pooler: it costs a twelfth of a layer
    projection = _projection(kind.dense)
    parameters = projection.parameters + weights_in(network)
    first_only = kind.pooling == "cls" and not int8
    prepared = prepare(network, first_only=first_only, precompute=options.precompute)
    if int8:
        refuse_int8_unless_cpu(network.device.type)
        quantize_linears(network if prepared is None else prepared)
    reads = reads_in(network)
    reads = reads._replace(once=reads.once + bytes_in(network))
    if prepared is not None:
        reads = prepared.reads(reads)
    limit = length_limit(tokenizer, network, None, "max_length")
    embed = PooledNetwork(
        network,
        tokenizer.pad_token_id,
        kind.pooling,
        False,
        1 if int8 else None,  # one text at a time: the texts of a batch would share one scale
        not int8,
        prepared=prepared,
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
