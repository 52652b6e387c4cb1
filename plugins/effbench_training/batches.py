"""What contrastive training reads: examples drawn anew each epoch, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Transformer
from torch import Tensor

from effbench import EffbenchError, Examples
from effbench_training import Start


class Drawn(NamedTuple):
    """A query with the passages it is trained on this time, a good one first."""

    query: str
    passages: list[int]
    good: NDArray[np.int32]
    """All that are good for it."""


class ExampleSet(torch.utils.data.Dataset[Drawn]):
    """Examples; which of a query's passages are taken depends on seed, epoch and query only."""

    def __init__(self, data: Examples, negatives: int, seed: int) -> None:
        if negatives and not any(map(len, data.negatives)):
            raise EffbenchError(
                "contrastive: the examples have no negatives (mine some, or say negatives: 0)"
            )
        self._data, self._negatives, self._seed = data, negatives, seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._data.queries)

    def __getitem__(self, item: int) -> Drawn:
        draw = np.random.default_rng([self._seed, self.epoch, item])
        good = np.array(self._data.positives[item])
        bad = np.array(self._data.negatives[item])
        if not len(bad):  # none was mined: any doc of the collection
            bad = np.setdiff1d(draw.integers(len(self._data.docs), size=64), good)
        drawn = draw.choice(bad, self._negatives, replace=len(bad) < self._negatives)
        passages = [int(draw.choice(good)), *drawn.tolist()]
        return Drawn(self._data.queries[item], passages, good)


class Batches:
    """Turns drawn examples into what `Contrast` reads."""

    def __init__(
        self,
        data: Examples,
        queries: SentenceTransformer,
        passages: Any,
        start: Start,
        cached: int | None,
    ) -> None:
        self._data, self._queries, self._passages = data, queries, passages
        self._start, self._cached = start, cached

    def __call__(self, drawn: Sequence[Drawn]) -> dict[str, Any]:
        """Return what `Contrast` reads of a batch."""
        rows = [row for one in drawn for row in one.passages]
        good = np.full((len(drawn), max(len(one.good) for one in drawn)), -1)
        for place, one in enumerate(drawn):
            good[place, : len(one.good)] = one.good
        queries = [one.query for one in drawn]
        return {
            "queries": self._features(self._queries, queries, self._start.query_max_length),
            "passages": self._encoded(rows),
            "rows": torch.tensor(rows),
            "good": torch.from_numpy(good),
        }

    def _encoded(self, rows: Sequence[int]) -> Tensor | list[dict[str, Tensor]]:
        """Return vectors that are given, or features of passages that are trained."""
        if self._passages is None and self._data.vectors is not None:
            return torch.from_numpy(self._data.vectors(rows))
        texts = [self._data.docs[row].default_text() for row in rows]
        return self._features(self._passages, texts, self._start.max_length)

    def _features(
        self, side: SentenceTransformer, texts: Sequence[str], limit: int
    ) -> list[dict[str, Tensor]]:
        """Return the features of texts in chunks, each padded by itself.

        Transformers read ``limit`` tokens; what reads on at no such cost reads all.
        """
        first = side[0]
        if isinstance(first, Transformer):
            whole = first.max_seq_length
            first.max_seq_length = min(limit, whole or limit)
        found = [side.preprocess(list(chunk)) for chunk in _chunks(texts, self._cached)]
        if isinstance(first, Transformer):
            first.max_seq_length = whole  # which is saved
        tensors = ({k: v for k, v in one.items() if isinstance(v, Tensor)} for one in found)
        return list(tensors)


def _chunks(texts: Sequence[str], size: int | None) -> Iterator[Sequence[str]]:
    step = size or len(texts)
    for first in range(0, len(texts), step):
        yield texts[first : first + step]
