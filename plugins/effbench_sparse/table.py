"""A side without a network: each word of a text has the weight that a table says."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from effbench_sparse.heaviest import heaviest

if TYPE_CHECKING:
    from effbench import SparseVectors

UNLIMITED = 1e9
"""A tokenizer of transformers that knows no limit says a larger number."""


class Table:
    """Looks up the weights of the words of texts; a text keeps its ``words`` heaviest words."""

    def __init__(
        self, tokenizer: Any, weights: Any, prompt: str, limit: int | None, words: int | None
    ) -> None:
        self._weights = np.ascontiguousarray(weights.detach().float().cpu().numpy())
        self._prompt, self._words = prompt, words
        most = min(limit or UNLIMITED, tokenizer.model_max_length)
        # The Rust tokenizer is used directly, as in `effbench_transformer.tokens`.
        self._tokenizer = copy.deepcopy(tokenizer.backend_tokenizer)
        self._tokenizer.no_padding()
        if most < UNLIMITED:
            self._tokenizer.enable_truncation(most, direction=tokenizer.truncation_side)
        else:
            self._tokenizer.no_truncation()

    @property
    def parameters(self) -> int:
        """The number of words."""
        return len(self._weights)

    @property
    def bytes_read(self) -> Callable[[int], int]:
        """Each token reads a weight."""
        return lambda tokens: tokens * self._weights.itemsize

    def __call__(self, texts: Sequence[str]) -> SparseVectors:
        """Return the vectors of texts."""
        return self._looked_up(self._tokens(texts))

    def stages(self) -> Mapping[str, Callable[[Any], Any]]:
        """Return the stages tokenise and look up."""
        return {"tokenise": self._tokens, "look up": self._looked_up}

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text; special tokens are not read."""
        return [len(ids) for ids in self._tokens(texts)]

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        prompted = [self._prompt + text for text in texts]
        encode = self._tokenizer.encode_batch_fast
        return [read.ids for read in encode(prompted, add_special_tokens=False)]

    def _looked_up(self, tokens: Sequence[Sequence[int]]) -> SparseVectors:
        rows = [sorted(set(ids)) for ids in tokens]
        words = np.array([word for row in rows for word in row], dtype=np.int32)
        starts = np.zeros(len(rows) + 1, dtype=np.int32)
        np.cumsum([len(row) for row in rows], out=starts[1:])
        shape = len(rows), len(self._weights)
        vectors = csr_array((self._weights[words], words, starts), shape=shape)
        return heaviest(vectors, self._words)
