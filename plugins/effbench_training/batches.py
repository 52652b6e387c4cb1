"""Data of contrastive training: examples that are drawn anew each epoch, and their batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Transformer
from torch import Tensor

from effbench import EffbenchError, Examples

Features: TypeAlias = list[dict[str, Tensor]]
"""The input of an encoder, such as ``input_ids`` [b, t], in chunks."""


class DrawnExample(NamedTuple):
    """A query with the passages that were drawn for it in this epoch."""

    query: str
    passages: list[int]
    """Rows of docs: a positive, then the negatives."""

    good: NDArray[np.int32]
    """Rows of all docs that are positives of the query."""


class ExampleSet(torch.utils.data.Dataset[DrawnExample]):
    """A dataset of queries; seed, epoch and query decide which passages are drawn.

    ``negatives`` is the number of negatives per query. A query without mined negatives takes
    random docs.

    Raises:
        EffbenchError: negatives are wanted, and no query has any.

    """

    def __init__(self, who: str, data: Examples, negatives: int, seed: int) -> None:
        if negatives and not any(map(len, data.negatives)):
            raise EffbenchError(
                f"{who}: the examples have no negatives (mine some, or say negatives: 0)"
            )
        self._data, self._negatives, self._seed = data, negatives, seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._data.queries)

    def __getitem__(self, item: int) -> DrawnExample:
        draw = np.random.default_rng([self._seed, self.epoch, item])
        good = np.array(self._data.positives[item])
        bad = np.array(self._data.negatives[item])
        if not len(bad):  # no negative was mined for this query: take any docs
            bad = np.setdiff1d(draw.integers(len(self._data.docs), size=64), good)
        drawn = draw.choice(bad, self._negatives, replace=len(bad) < self._negatives)
        passages = [int(draw.choice(good)), *drawn.tolist()]
        return DrawnExample(self._data.queries[item], passages, good)


class Batches:
    """Makes the arguments of `Contrast` from drawn examples.

    ``queries`` makes features of texts. ``passages`` makes features or vectors [p, d] of the
    docs in p rows.
    """

    def __init__(
        self,
        queries: Callable[[Sequence[str]], Features],
        passages: Callable[[Sequence[int]], Features | Tensor],
    ) -> None:
        self._queries, self._passages = queries, passages

    def __call__(self, examples: Sequence[DrawnExample]) -> dict[str, Any]:
        """Return the arguments of `Contrast.forward` for a batch, by name."""
        rows = [row for example in examples for row in example.passages]
        good = np.full((len(examples), max(len(example.good) for example in examples)), -1)
        for number, example in enumerate(examples):
            good[number, : len(example.good)] = example.good
        return {
            "queries": self._queries([example.query for example in examples]),
            "passages": self._passages(rows),
            "rows": torch.tensor(rows),
            "good": torch.from_numpy(good),
        }


@dataclass(frozen=True)
class SideFeatures:
    """Makes the features of texts that a side of Sentence Transformers reads."""

    side: SentenceTransformer
    limit: int
    """Tokens of a text that a transformer reads."""

    chunk: int | None
    """Texts of a chunk; None for one chunk."""

    def __call__(self, texts: Sequence[str]) -> Features:
        """Return the features of texts in chunks; each chunk is padded on its own.

        Only transformers cut texts. For static and recurrent networks long texts are cheap.
        """
        first = self.side[0]
        if isinstance(first, Transformer):
            whole = first.max_seq_length
            first.max_seq_length = min(self.limit, whole or self.limit)
        chunks = [self.side.preprocess(list(chunk)) for chunk in _chunks(texts, self.chunk)]
        if isinstance(first, Transformer):
            first.max_seq_length = whole  # the model is saved with this length
        return [
            {name: value for name, value in chunk.items() if isinstance(value, Tensor)}
            for chunk in chunks
        ]


def _chunks(texts: Sequence[str], size: int | None) -> Iterator[Sequence[str]]:
    step = size or len(texts)
    for first in range(0, len(texts), step):
        yield texts[first : first + step]
