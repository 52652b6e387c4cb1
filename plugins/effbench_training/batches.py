"""What contrastive training reads: examples drawn anew each epoch, and batches of them."""

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
"""What an encoder reads, in chunks."""


class Drawn(NamedTuple):
    """A query with the passages it is trained on this time, a good one first."""

    query: str
    passages: list[int]
    good: NDArray[np.int32]
    """All that are good for it."""


class ExampleSet(torch.utils.data.Dataset[Drawn]):
    """Examples; which of a query's passages are taken depends on seed, epoch and query only."""

    def __init__(self, who: str, data: Examples, negatives: int, seed: int) -> None:
        if negatives and not any(map(len, data.negatives)):
            raise EffbenchError(
                f"{who}: the examples have no negatives (mine some, or say negatives: 0)"
            )
        self._data, self._negatives, self._seed = data, negatives, seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._data.queries)

    def __getitem__(self, item: int) -> Drawn:
        draw = np.random.default_rng([self._seed, self.epoch, item])
        good = np.array(self._data.positives[item])
        bad = np.array(self._data.negatives[item])
        if not len(bad):  # none was mined: any doc there is
            bad = np.setdiff1d(draw.integers(len(self._data.docs), size=64), good)
        drawn = draw.choice(bad, self._negatives, replace=len(bad) < self._negatives)
        passages = [int(draw.choice(good)), *drawn.tolist()]
        return Drawn(self._data.queries[item], passages, good)


class Batches:
    """Turns drawn examples into what `Contrast` reads."""

    def __init__(
        self,
        queries: Callable[[Sequence[str]], Features],
        passages: Callable[[Sequence[int]], Features | Tensor],
    ) -> None:
        self._queries, self._passages = queries, passages

    def __call__(self, drawn: Sequence[Drawn]) -> dict[str, Any]:
        """Return what `Contrast` reads of a batch."""
        rows = [row for one in drawn for row in one.passages]
        good = np.full((len(drawn), max(len(one.good) for one in drawn)), -1)
        for place, one in enumerate(drawn):
            good[place, : len(one.good)] = one.good
        return {
            "queries": self._queries([one.query for one in drawn]),
            "passages": self._passages(rows),
            "rows": torch.tensor(rows),
            "good": torch.from_numpy(good),
        }


@dataclass(frozen=True)
class SideFeatures:
    """What a side of Sentence Transformers reads of texts."""

    side: SentenceTransformer
    limit: int
    chunk: int | None

    def __call__(self, texts: Sequence[str]) -> Features:
        """Return the features of texts in chunks, each padded by itself.

        Transformers read ``limit`` tokens; what reads on at no such cost reads all.
        """
        first = self.side[0]
        if isinstance(first, Transformer):
            whole = first.max_seq_length
            first.max_seq_length = min(self.limit, whole or self.limit)
        found = [self.side.preprocess(list(chunk)) for chunk in _chunks(texts, self.chunk)]
        if isinstance(first, Transformer):
            first.max_seq_length = whole  # which is saved
        tensors = ({k: v for k, v in one.items() if isinstance(v, Tensor)} for one in found)
        return list(tensors)


def _chunks(texts: Sequence[str], size: int | None) -> Iterator[Sequence[str]]:
    step = size or len(texts)
    for first in range(0, len(texts), step):
        yield texts[first : first + step]
