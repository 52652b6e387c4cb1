"""Query encoding with recurrent students: whole queries, or a query while the user types it.

Each token needs one matrix-vector product of the state. Its time is the time in which the
weights come from the cache to the core. Measured on an AMD EPYC with one thread and 768 units:
79 us in numpy, 126 us in torch.mv, 97 us in oneDNN, 32 us in int8; `torch.nn.GRUCell` takes
504 us for the products of state and input. The gates take 7 us in numpy and 11 us in torch.
The products of the input can be made for several tokens at once, and oneDNN is the fastest
there: 93 us for three tokens, where MKL takes 295 us and OpenBLAS 665 us. One token is read
with numpy.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from effbench import Description
from effbench_small_query import light
from effbench_small_query.int8 import Int8Linear, bytes_of
from effbench_small_query.kinds import Options, refuse_int8_unless_cpu
from effbench_small_query.recurrent import Recurrent, padded
from effbench_small_query.vocabulary import refuse_words_without_vectors
from effbench_transformer.loading import place_for
from effbench_transformer.onednn import pack_linears
from effbench_transformer.reads import weights_in

if TYPE_CHECKING:
    from effbench import Vectors

BATCH = 256
"""Queries that are encoded at once."""


class State(NamedTuple):
    """The state of the network after the beginning of a query."""

    text: str
    """The beginning that has been read."""

    ids: list[int]
    """Its token ids."""

    hidden: Vectors
    """float32, a GRU's [layers, 1, h]; an LSTM's [layers, 2, h], outputs and cells."""


class RecurrentReader:
    """A recurrent student that encodes whole queries, and queries that are still being typed.

    The code is that of `effbench_small_query.light`; torch makes the products that it makes
    faster than numpy.
    """

    def __init__(self, folder: Path, normalize: bool, options: Options) -> None:
        module: Any = Recurrent.load(str(folder)).eval().requires_grad_(False)
        self._parameters = weights_in(module)
        place = place_for(options.device, "float32")
        if options.int8:
            refuse_int8_unless_cpu(place.type)
        refuse_words_without_vectors(module.tokenizer, module.vocabulary)
        self._module = module
        self._normalize = normalize
        self._folder = folder
        self._options = options
        weights = {name: weight.numpy() for name, weight in module.state_dict().items()}
        words = light.words_of(weights.pop(light.TABLE), options.table)
        if isinstance(words, light.Words):
            module.embedding = FewBits(words)
        self._student = light.Recurrent(
            module.tokenizer,
            module.get_config_dict(),
            weights,
            words,
            normalize,
            int8=options.int8,
            precompute=options.precompute,
            of_rows=_torch_product,
            of_one=_torch_product if options.int8 else light.product,
        )
        self._bytes_once = _bytes_once(module, options.int8, options.precompute)
        self._start = State("", [], self._student.start)
        if place.type != "cpu":
            # batches are encoded on the device; single queries still on the CPU
            self._module = copy.deepcopy(module).to(place)

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d]; zeros for a query without a token."""
        # int8 never in batches: the inputs of all queries would share one scale
        if len(queries) == 1 or self._options.int8:
            return self._pool(self._forward(self._tokenise(queries)))
        return self._batched(queries)

    def describe(self) -> Description:
        """Tell the stages tokenise, forward and pool (head and normalisation)."""
        row = light.bytes_of_a_row(self._student.words)
        return Description(
            stages={"tokenise": self._tokenise, "forward": self._forward, "pool": self._pool},
            count_tokens=lambda queries: [len(ids) for ids in self._tokenise(queries)],
            bytes_read=lambda tokens: tokens and self._bytes_once + tokens * row,
            query_parameters=self._parameters,
        )

    def start(self) -> State:
        """Return the state before the first character."""
        return self._start

    def advance(self, state: State, text: str) -> State:
        """Return the state after the words of ``text`` that end with a space."""
        finished = text[: text.rfind(" ") + 1]
        if finished == state.text:
            return state
        return self._read(state, finished)

    def finish(self, state: State, text: str) -> Vectors:
        """Read the end of ``text`` and return the vector of all of it, float32 [1, d]."""
        return self._pool([self._read(state, text)])

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write the student, the passage encoder and the light reader into one folder."""
        from effbench_small_query.exporting import export

        how = self._options
        export(
            self._folder,
            folder,
            passages,
            int8=how.int8,
            precompute=how.precompute,
            table=how.table,
        )

    def _read(self, state: State, text: str) -> State:
        """Return the state after the whole of ``text``.

        The whole text is tokenised each time, so that the tokens are right whatever the
        tokenizer does at spaces and whatever the user edits. This takes little time beside
        the step of one token.
        """
        [ids] = self._tokenise([text])
        return self._read_tokens(state, ids)._replace(text=text)

    def _tokenise(self, queries: Sequence[str]) -> list[list[int]]:
        return self._student.tokenise(queries)

    def _forward(self, tokens: Sequence[list[int]]) -> list[State]:
        return [self._read_tokens(self._start, ids) for ids in tokens]

    def _read_tokens(self, state: State, ids: list[int]) -> State:
        """Return the state after ``ids``; read only the tokens that ``state`` has not read."""
        if state.ids != ids[: len(state.ids)]:
            state = self._start
        new = ids[len(state.ids) :]
        if not new:
            return State(state.text, ids, state.hidden)
        return State(state.text, ids, self._student.read(new, state.hidden))

    def _pool(self, states: Sequence[State]) -> Vectors:
        vectors = self._zeros(len(states))
        for row, state in enumerate(states):
            if state.ids:
                vectors[row] = self._student.vector(state.hidden)
        return vectors

    @torch.inference_mode()
    def _batched(self, queries: Sequence[str]) -> Vectors:
        encodings = self._module.tokenizer.encode_batch_fast(queries, add_special_tokens=False)
        tokens = [encoding.ids for encoding in encodings]
        order = sorted(range(len(tokens)), key=lambda row: -len(tokens[row]))
        vectors = self._zeros(len(queries))
        device = next(self._module.rnn.parameters()).device
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            features = padded([tokens[row] for row in rows])
            features = {name: tensor.to(device) for name, tensor in features.items()}
            batch: Tensor = self._module(features)["sentence_embedding"]
            if self._normalize:
                batch = nn.functional.normalize(batch)
            vectors[rows] = batch.cpu().numpy()
        return vectors

    def _zeros(self, count: int) -> Vectors:
        return np.zeros((count, self._module.output), dtype=np.float32)


class FewBits(nn.Module):
    """The word embeddings of a table in few bits, for batches of queries."""

    def __init__(self, words: light.Words) -> None:
        super().__init__()
        self._words = words

    def forward(self, ids: Tensor) -> Tensor:
        """Return float32 [b, t, width] for int64 [b, t], on the device of ``ids``."""
        return torch.from_numpy(self._words.take(ids.cpu().numpy())).to(ids.device)


def _bytes_once(module: Recurrent, int8: bool, precompute: bool) -> int:
    """Return the bytes of the weights that are read once per query: all but the words."""
    head = sum(bytes_of(weight, int8) for weight in module.head.parameters())
    return head + sum(
        bytes_of(weight, int8)
        for name, weight in module.rnn.named_parameters()
        if not (precompute and name in ("weight_ih_l0", "bias_ih_l0"))
    )


def _torch_product(weight: Vectors, bias: Vectors, int8: bool) -> light.Product:
    """Return torch's product with a weight [n, width] and a bias [n]; see `light.Products`.

    In float32, numpy makes the product of a single row.
    """
    tensors = torch.from_numpy(weight), torch.from_numpy(bias)
    if int8:
        multiply, alone = Int8Linear(*tensors).forward, None
    else:
        dense = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
        dense.weight, dense.bias = (nn.Parameter(tensor, False) for tensor in tensors)
        linear = nn.Sequential(dense)
        pack_linears(linear)
        multiply, alone = linear[0].forward, light.dense(weight, bias)

    def product(x: Vectors) -> Vectors:
        if alone is not None and x.size == weight.shape[1]:
            return alone(x)
        rows: Vectors = multiply(torch.from_numpy(x if x.ndim > 1 else x[None])).numpy()
        return rows if x.ndim > 1 else rows[0]

    return product
