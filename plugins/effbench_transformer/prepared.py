"""A BERT that reads one text on a CPU: the same products, without transformers' modules.

A query on the clock is alone, so nothing is padded and no mask is needed. The products of
queries, keys and values are one product. The modules of transformers take a tenth to a half of
a millisecond a query for masks, hooks and views, which a student of one layer feels most.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from transformers import BertModel, RobertaModel, XLMRobertaModel

from effbench_transformer.onednn import PackedLinear
from effbench_transformer.reads import Reads

Map: TypeAlias = "Callable[[Tensor], Tensor]"

KNOWN = (BertModel, RobertaModel, XLMRobertaModel)
"""The networks whose layers are BERT's. Subclasses and code of others are not known."""


def prepare(
    network: Any, *, first_only: bool = False, precompute: bool = False
) -> OneText | None:
    """Return ``network`` prepared for one text at a time, or None if that is not possible.

    It is for float32 on a CPU, and for the networks in `KNOWN`. Call it before the linear
    layers are packed or quantised, then pack or quantise the result as well: ``network`` is
    inside. ``first_only`` is for the pooling ``cls``: the last layer makes only its first token
    (with int8 products that moves it, since tokens share a scale). ``precompute`` makes the
    first products of each word ahead (`FirstProducts`); only a `BertModel` takes it.
    """
    config = network.config
    if (
        type(network) not in KNOWN
        or network.device.type != "cpu"
        or network.dtype != torch.float32
        or config.is_decoder
        or getattr(config, "position_embedding_type", "absolute") != "absolute"
    ):
        return None
    return OneText(network, first_only, precompute and type(network) is BertModel)


class OneText(nn.Module):
    """A network of BERT's layers that reads the token ids of one text."""

    def __init__(self, network: Any, first_only: bool, precompute: bool) -> None:
        super().__init__()
        self._network = network
        self._first_only = first_only
        self._heads = network.config.num_attention_heads
        self._tables = _tables(network.embeddings) if type(network) is BertModel else None
        self._fused = nn.ModuleList(
            _fused(layer.attention.self) for layer in network.encoder.layer
        )
        self._first: FirstProducts | None = None
        if precompute:
            self._first = FirstProducts(network.embeddings, self._fused[0])

    def forward(self, ids: list[int]) -> Tensor:
        """Return token vectors, float32 [1, t, d], or only that of the first token."""
        x, products = self._start(torch.tensor(ids))
        last = len(self._layers) - 1
        for number, layer in enumerate(self._layers):
            products = layer.products(x) if products is None else products
            few = 1 if self._first_only and number == last else len(ids)
            mixed = layer.mix(self._attend(products, few))
            x = layer.norm(mixed + x[:few])
            x = layer.last_norm(layer.narrow(layer.widen(x)) + x)
            products = None
        return x[None]

    def reads(self, network: Reads) -> Reads:
        """Return the bytes that a text reads, from those that it reads in the network."""
        if self._first is None:
            return network
        row, width = self._first.row, self._network.config.hidden_size
        return Reads(network.once - row * width, network.word + row, network.position + row)

    def _start(self, ids: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the first states [t, d], and the first products [t, 3 x d] if prepared."""
        if self._tables is None:  # RoBERTa numbers positions after the padding token's id
            states: Tensor = self._network.embeddings(input_ids=ids[None])[0]
            return states, None
        words, kind, positions, norm = self._tables
        summed = nn.functional.embedding(ids, words) + kind + positions[: len(ids)]
        products = None if self._first is None else self._first.of(ids, summed)
        return norm(summed), products

    def _attend(self, products: Tensor, few: int) -> Tensor:
        """Return what the first ``few`` tokens get of all values, [few, d].

        ``products`` [t, 3 x d] are queries, keys and values.
        """
        parts = products.view(1, len(products), 3 * self._heads, -1).transpose(1, 2)
        query, key, value = parts.chunk(3, 1)
        mixed = nn.functional.scaled_dot_product_attention(query[:, :, :few], key, value)
        return mixed.transpose(1, 2).reshape(few, -1)

    @cached_property
    def _layers(self) -> list[Layer]:
        """The functions of each layer; asked for when all linear layers are packed."""
        plain = self._network.config.hidden_act == "gelu"
        return [
            _layer(layer, fused, plain)
            for layer, fused in zip(self._network.encoder.layer, self._fused, strict=True)
        ]


def _tables(embeddings: Any) -> tuple[Tensor, Tensor, Tensor, Map]:
    """Return BERT's tables of words, of the only token type and of positions; its norm."""
    return (
        embeddings.word_embeddings.weight,
        embeddings.token_type_embeddings.weight[0],
        embeddings.position_embeddings.weight,
        embeddings.LayerNorm.forward,
    )


class Layer(NamedTuple):
    """The functions of a layer, each from [t, d] to [t, d] if nothing else is said."""

    products: Map
    """To the queries, keys and values of attention, [t, 3 x d]."""

    mix: Map
    norm: Map
    widen: Map
    """To [t, width of the feed-forward layer]; the activation is inside."""

    narrow: Map
    last_norm: Map


def _layer(layer: Any, fused: Any, plain: bool) -> Layer:
    """Return the functions of a layer; ``plain`` says that its activation is exact GELU."""
    attended, wide, activate = (
        layer.attention.output,
        layer.intermediate.dense,
        layer.intermediate.intermediate_act_fn,
    )
    packed = plain and isinstance(wide, PackedLinear)
    return Layer(
        fused.forward,
        attended.dense.forward,
        attended.LayerNorm.forward,
        wide.gelu if packed else lambda x: activate(wide(x)),
        layer.output.dense.forward,
        layer.output.LayerNorm.forward,
    )


def _fused(attention: Any) -> nn.Linear:
    """Return the linear layers of queries, keys and values as one, [d] -> [3 x d]."""
    parts = attention.query, attention.key, attention.value
    weight = torch.cat([part.weight.detach() for part in parts])
    fused = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    fused.weight = nn.Parameter(weight, False)
    fused.bias = nn.Parameter(torch.cat([part.bias.detach() for part in parts]), False)
    return fused


class FirstProducts:
    """The first queries, keys and values, from tables with a row for each word and position.

    The input of the first layer is the layer norm of a sum: (e - mean(e)) / s * g + b, where
    e = word + type + position and s is the standard deviation of e. All but s is linear. So
    the product W of the centred word, scaled by g, is a row of a table, and that of type and
    position a row of another; their sum is divided by s, and W b + bias is added. A quarter of
    the products of a layer is saved, for vocabulary x 3 x d floats of memory.
    """

    def __init__(self, embeddings: Any, fused: Any) -> None:
        norm = embeddings.LayerNorm
        kind = embeddings.token_type_embeddings.weight[0]
        with torch.inference_mode():
            weight = (fused.weight * norm.weight).T
            self._words = _centred(embeddings.word_embeddings.weight) @ weight
            self._positions = _centred(embeddings.position_embeddings.weight + kind) @ weight
            self._rest = fused.weight @ norm.bias + fused.bias
        self._eps = norm.eps
        self.row = self._words[0].nbytes
        """The bytes of a row of either table."""

    def of(self, ids: Tensor, summed: Tensor) -> Tensor:
        """Return [t, 3 x d] for int64 ``ids`` [t] and the sums e, ``summed`` [t, d]."""
        scale = (summed.var(1, correction=0, keepdim=True) + self._eps).rsqrt()
        rows = nn.functional.embedding(ids, self._words) + self._positions[: len(ids)]
        return torch.addcmul(self._rest, rows, scale)


def _centred(rows: Tensor) -> Tensor:
    return rows - rows.mean(1, keepdim=True)
