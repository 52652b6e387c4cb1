"""Recurrent students read a query while it is typed.

One step is a matrix-vector product, which the weights' way from the cache to the core
bounds. Measured on an AMD EPYC, one thread, 768 units: numpy's product 79 us, torch.mv 126,
oneDNN 97, `torch.nn.GRUCell` (both products) 504, int8 32; the gates take 7 us in numpy, 11
in torch. For the input's products of several tokens at once oneDNN is best: 93 us for three
tokens, against 295 of MKL and 665 of OpenBLAS.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from effbench_small_query.int8 import (
    Int8Linear,
    bytes_in,
    bytes_of,
    quantize_linears,
    refuse_unless_cpu,
)
from effbench_small_query.reading import refuse_other_words, unit
from effbench_small_query.recurrent import Recurrent, padded
from effbench_transformer.loading import place_for
from effbench_transformer.network import weights_in
from effbench_transformer.onednn import pack_linears

if TYPE_CHECKING:
    from effbench.api import Vectors

BATCH = 256

Product: TypeAlias = "Callable[[Vectors], Vectors]"


class State(NamedTuple):
    """What has been read."""

    text: str
    ids: list[int]
    hidden: Vectors
    """[layers, 1, h] of a GRU; [layers, 2, h] of an LSTM, outputs and cells."""


class Layer(NamedTuple):
    """The products of one layer, biases added; GRU gates r, z, n; LSTM gates i, f, g, o."""

    of_inputs: Product
    """[t, width] -> [t, gates x h]."""

    of_hidden: Product
    """[h] -> [gates x h]."""


class RecurrentReader:
    """Encode queries with a recurrent student, whole ones or ones that are being typed."""

    def __init__(
        self, folder: Path, normalize: bool, device: str, int8: bool, precompute: bool
    ) -> None:
        module = Recurrent.load(str(folder)).eval().requires_grad_(False)
        self.query_parameters = weights_in(module)
        place = place_for(device, "float32")
        if int8:
            refuse_unless_cpu(place)
            quantize_linears(module.head)
        self._module = module
        self._tokenizer = module.tokenizer
        refuse_other_words(self._tokenizer, module.vocabulary)
        self._normalize = normalize
        self._folder = folder
        self._int8 = int8
        self._step = _gru_step if module.cell == "gru" else _lstm_step
        self._layers = [_layer(module.rnn, number, int8) for number in range(module.layers)]
        self._head = module.head if len(module.head) else None
        self._words: Vectors = module.embedding.weight.numpy()
        self._precomputed = precompute
        if precompute:
            self._words = self._layers[0].of_inputs(self._words)
        self._bytes_once = _bytes_once(module, int8, precompute)
        parts = 1 if module.cell == "gru" else 2
        hidden = np.zeros((module.layers, parts, module.hidden), dtype=np.float32)
        self._start = State("", [], hidden)
        if place.type != "cpu":
            # batches go there; the arrays above and the head stay where they are
            self._module = copy.deepcopy(module).to(place)

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d]; zeros for a query without a token."""
        # of int8, too: in a batch, the inputs of all would share their scale
        if len(queries) == 1 or self._int8:
            return self._pool(self._forward(self._tokenise(queries)))
        return self._batched(queries)

    def query_stages(self) -> Mapping[str, Callable[[Any], Any]]:
        """Return tokenise, forward and pool (head and normalisation), all text by text."""
        return {"tokenise": self._tokenise, "forward": self._forward, "pool": self._pool}

    def count_tokens(self, queries: Sequence[str]) -> list[int]:
        """Return the tokens of each query."""
        return [len(ids) for ids in self._tokenise(queries)]

    def bytes_read(self, tokens: int) -> int:
        """Return the bytes of weights that a query of so many tokens reads."""
        return tokens and self._bytes_once + tokens * self._words[0].nbytes

    def start(self) -> State:
        """Return the state before the first character."""
        return self._start

    def advance(self, state: State, text: str) -> State:
        """Return the state after the words of ``text`` that a space has finished."""
        finished = text[: text.rfind(" ") + 1]
        if finished == state.text:
            return state
        return self._read(state, finished)

    def finish(self, state: State, text: str) -> Vectors:
        """Read what is left of ``text`` and return its vector, float32 [1, d]."""
        return self._pool([self._read(state, text)])

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write student and passages' encoder as one folder."""
        from effbench_small_query.exporting import export

        export(self._folder, folder, passages, self._int8)

    def _read(self, state: State, text: str) -> State:
        """Return the state after the whole of ``text``.

        All of it is tokenised, which takes little beside a step: so whatever the tokenizer
        does at spaces, and whatever the user edits, the pieces are those of the whole text.
        """
        [ids] = self._tokenise([text])
        return self._after(state, ids)._replace(text=text)

    def _tokenise(self, queries: Sequence[str]) -> list[list[int]]:
        encode = self._tokenizer.encode
        return [encode(query, add_special_tokens=False).ids for query in queries]

    def _forward(self, tokens: Sequence[list[int]]) -> list[State]:
        return [self._after(self._start, ids) for ids in tokens]

    def _after(self, state: State, ids: list[int]) -> State:
        """Return the state after the tokens of a text, which it may have begun to read."""
        if state.ids != ids[: len(state.ids)]:
            state = self._start
        new = ids[len(state.ids) :]
        if not new:
            return State(state.text, ids, state.hidden)
        rows, hidden = self._words.take(new, 0), state.hidden.copy()
        for number, layer in enumerate(self._layers):
            gates = rows if self._precomputed and number == 0 else layer.of_inputs(rows)
            rows = np.empty((len(new), hidden.shape[2]), dtype=np.float32)
            for position, gate in enumerate(gates):
                self._step(gate, layer.of_hidden, hidden[number])
                rows[position] = hidden[number, 0]
        return State(state.text, ids, hidden)

    def _pool(self, states: Sequence[State]) -> Vectors:
        vectors = self._none(len(states))
        for row, state in enumerate(states):
            if state.ids:
                vectors[row] = self._vector(state.hidden[-1, 0])
        return vectors

    def _vector(self, last: Vectors) -> Vectors:
        if self._head is not None:
            with torch.inference_mode():
                last = self._head(torch.from_numpy(last)[None])[0].numpy()
        return unit(last) if self._normalize else last

    @torch.inference_mode()
    def _batched(self, queries: Sequence[str]) -> Vectors:
        encodings = self._tokenizer.encode_batch_fast(queries, add_special_tokens=False)
        tokens = [encoding.ids for encoding in encodings]
        order = sorted(range(len(tokens)), key=lambda row: -len(tokens[row]))
        vectors = self._none(len(queries))
        device = self._module.embedding.weight.device
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            features = padded([tokens[row] for row in rows])
            features = {name: tensor.to(device) for name, tensor in features.items()}
            found: Tensor = self._module(features)["sentence_embedding"]
            if self._normalize:
                found = nn.functional.normalize(found)
            vectors[rows] = found.cpu().numpy()
        return vectors

    def _none(self, count: int) -> Vectors:
        return np.zeros((count, self._module.output), dtype=np.float32)


def _bytes_once(module: Recurrent, int8: bool, precompute: bool) -> int:
    """Return the bytes of all weights but the words; the head's linear layers know theirs."""
    head = sum(weight.nbytes for weight in module.head.parameters()) + bytes_in(module.head)
    return head + sum(
        bytes_of(weight, int8)
        for name, weight in module.rnn.named_parameters()
        if not (precompute and name in ("weight_ih_l0", "bias_ih_l0"))
    )


def _gru_step(gate: Vectors, product: Product, hidden: Vectors) -> None:
    """Take ``hidden`` [1, h] one token on."""
    h = hidden[0]
    size = len(h)
    recurrent = product(h)
    both = _sigmoid(gate[: 2 * size] + recurrent[: 2 * size])
    new = np.tanh(gate[2 * size :] + both[:size] * recurrent[2 * size :])
    hidden[0] = new + both[size:] * (h - new)


def _lstm_step(gate: Vectors, product: Product, hidden: Vectors) -> None:
    """Take ``hidden`` [2, h] one token on."""
    size = hidden.shape[1]
    gate = gate + product(hidden[0])
    both = _sigmoid(gate[: 2 * size])
    cell = both[size:] * hidden[1] + both[:size] * np.tanh(gate[2 * size : 3 * size])
    hidden[1] = cell
    hidden[0] = _sigmoid(gate[3 * size :]) * np.tanh(cell)


def _sigmoid(x: Vectors) -> Vectors:
    # by tanh: exp(-x) overflows
    half = np.float32(0.5)
    y: Vectors = half * np.tanh(half * x) + half
    return y


def _layer(rnn: Any, number: int, int8: bool) -> Layer:
    weights = [
        getattr(rnn, f"{name}_l{number}").detach()
        for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
    ]
    of_inputs = _torch_product(weights[0], weights[1], int8)
    if int8:
        return Layer(of_inputs, _torch_product(weights[2], weights[3], int8))
    weight, bias = (np.ascontiguousarray(tensor.numpy()) for tensor in weights[2:])
    return Layer(of_inputs, lambda hidden: weight @ hidden + bias)


def _torch_product(weight: Tensor, bias: Tensor, int8: bool) -> Product:
    linear: nn.Module
    if int8:
        linear = Int8Linear(weight, bias)
    else:
        dense = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
        dense.weight, dense.bias = nn.Parameter(weight, False), nn.Parameter(bias, False)
        linear = nn.Sequential(dense)
        pack_linears(linear)

    def product(x: Vectors) -> Vectors:
        with torch.inference_mode():
            rows = linear(torch.from_numpy(x).reshape(-1, weight.shape[1]))
            found: Vectors = rows.numpy()
        return found if x.ndim > 1 else found[0]

    return product
