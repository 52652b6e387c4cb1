"""Order in which the loop reads its dataset: seed and epoch decide it, also after a kill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import LengthGroupedSampler


class ByLength(LengthGroupedSampler):  # type: ignore[misc]
    """An order that gives batches of texts of similar lengths; seed and epoch decide it."""

    def __init__(self, batch_size: int, lengths: Sequence[int], seed: int) -> None:
        super().__init__(batch_size, lengths=lengths)
        self._seed = seed

    def set_epoch(self, epoch: int) -> None:
        """Draw the order of ``epoch``; the loop calls this when an epoch begins."""
        self.generator = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)


class InOrder(Sampler[int]):
    """The order that the dataset's method ``order(epoch)`` returns."""

    def __init__(self, dataset: Any) -> None:
        self._dataset, self._order = dataset, dataset.order(0)

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[int]:
        return iter(self._order)

    def set_epoch(self, epoch: int) -> None:
        """Take the order of ``epoch``; the loop calls this when an epoch begins."""
        self._order = self._dataset.order(epoch)
