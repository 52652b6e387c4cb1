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
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from effbench_small_query import light
from effbench_small_query.int8 import Int8Linear, bytes_of, refuse_unless_cpu
from effbench_small_query.recurrent import Recurrent, padded
from effbench_small_query.vocabulary import refuse_other_words
from effbench_transformer.loading import place_for
from effbench_transformer.network import weights_in
from effbench_transformer.onednn import pack_linears

if TYPE_CHECKING:
    from effbench import Vectors

BATCH = 256


class State(NamedTuple):
    """What has been read."""

    text: str
    ids: list[int]
    hidden: Vectors
    """[layers, 1, h] of a GRU; [layers, 2, h] of an LSTM, outputs and cells."""


class RecurrentReader:
    """Encode queries with a recurrent student, whole ones or ones that are being typed.

    It reads as `effbench_small_query.light` does, with products of torch where they are faster.
    """

    def __init__(
        self, folder: Path, normalize: bool, device: str, int8: bool, precompute: bool
    ) -> None:
        module = Recurrent.load(str(folder)).eval().requires_grad_(False)
        self.query_parameters = weights_in(module)
        place = place_for(device, "float32")
        if int8:
            refuse_unless_cpu(place)
        refuse_other_words(module.tokenizer, module.vocabulary)
        self._module = module
        self._normalize = normalize
        self._folder = folder
        self._int8, self._precompute = int8, precompute
        self._student = light.Recurrent(
            module.tokenizer,
            module.get_config_dict(),
            {name: weight.numpy() for name, weight in module.state_dict().items()},
            normalize,
            int8=int8,
            precompute=precompute,
            of_rows=_torch_product,
            of_one=_torch_product if int8 else light.product,
        )
        self._bytes_once = _bytes_once(module, int8, precompute)
        self._start = State("", [], self._student.start)
        if place.type != "cpu":
            # batches go there; the arrays of the student stay where they are
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
        return tokens and self._bytes_once + tokens * self._student.words[0].nbytes

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
        """Write student and passages' encoder as one folder, and a light reader."""
        from effbench_small_query.exporting import export

        export(self._folder, folder, passages, int8=self._int8, precompute=self._precompute)

    def _read(self, state: State, text: str) -> State:
        """Return the state after the whole of ``text``.

        All of it is tokenised, which takes little beside a step: so whatever the tokenizer
        does at spaces, and whatever the user edits, the pieces are those of the whole text.
        """
        [ids] = self._tokenise([text])
        return self._after(state, ids)._replace(text=text)

    def _tokenise(self, queries: Sequence[str]) -> list[list[int]]:
        return self._student.tokenise(queries)

    def _forward(self, tokens: Sequence[list[int]]) -> list[State]:
        return [self._after(self._start, ids) for ids in tokens]

    def _after(self, state: State, ids: list[int]) -> State:
        """Return the state after the tokens of a text, which it may have begun to read."""
        if state.ids != ids[: len(state.ids)]:
            state = self._start
        new = ids[len(state.ids) :]
        if not new:
            return State(state.text, ids, state.hidden)
        return State(state.text, ids, self._student.read(new, state.hidden))

    def _pool(self, states: Sequence[State]) -> Vectors:
        vectors = self._none(len(states))
        for row, state in enumerate(states):
            if state.ids:
                vectors[row] = self._student.vector(state.hidden)
        return vectors

    @torch.inference_mode()
    def _batched(self, queries: Sequence[str]) -> Vectors:
        encodings = self._module.tokenizer.encode_batch_fast(queries, add_special_tokens=False)
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
    """Return the bytes of all weights but the words."""
    head = sum(bytes_of(weight, int8) for weight in module.head.parameters())
    return head + sum(
        bytes_of(weight, int8)
        for name, weight in module.rnn.named_parameters()
        if not (precompute and name in ("weight_ih_l0", "bias_ih_l0"))
    )


def _torch_product(weight: Vectors, bias: Vectors, int8: bool) -> light.Product:
    tensors = torch.from_numpy(weight), torch.from_numpy(bias)
    linear: nn.Module
    if int8:
        linear = Int8Linear(*tensors)
    else:
        dense = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
        dense.weight, dense.bias = (nn.Parameter(tensor, False) for tensor in tensors)
        linear = nn.Sequential(dense)
        pack_linears(linear)

    def product(x: Vectors) -> Vectors:
        with torch.inference_mode():
            rows = linear(torch.from_numpy(x).reshape(-1, weight.shape[1]))
            found: Vectors = rows.numpy()
        return found if x.ndim > 1 else found[0]

    return product
