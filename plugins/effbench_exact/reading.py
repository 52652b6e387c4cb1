"""Vectors on disk as the index reads them: by block, with a thread ahead, or by position."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from effbench import VectorSource


class Reader:
    """Reads a source with the type that its numbers have on disk: float32 or float16."""

    device = torch.device("cpu")

    def __init__(self, source: VectorSource) -> None:
        self._source = source
        self._kept = getattr(source, "kept", source.__getitem__)
        self.dtype = np.dtype(getattr(source, "dtype", np.float32))

    @property
    def shape(self) -> tuple[int, int]:
        """The number of vectors, and of their dimensions."""
        return self._source.shape

    @property
    def nbytes(self) -> int:
        """The size of the vectors."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    @property
    def torch_dtype(self) -> torch.dtype:
        """The type, as torch names it."""
        return torch.from_numpy(np.empty(0, self.dtype)).dtype

    def __len__(self) -> int:
        return len(self._source)

    def blocks(self, rows: int) -> Iterator[tuple[int, Tensor]]:
        """Yield the position and the vectors of each block; they hold until the next block.

        A thread copies the next block meanwhile: files are mapped, and a copy reads them.
        """
        starts = range(0, len(self._source), rows)
        width = self._source.shape[1]
        buffers = [np.empty((min(rows, len(self._source)), width), self.dtype) for _ in "ab"]

        def copied(number: int, block: NDArray[Any]) -> Tensor:
            buffer = buffers[number % 2][: len(block)]
            np.copyto(buffer, block)
            return torch.from_numpy(buffer)

        def ahead(number: int) -> Future[Tensor]:
            start = starts[number]
            return thread.submit(copied, number, self._kept(slice(start, start + rows)))

        with ThreadPoolExecutor(1) as thread:
            coming = [ahead(0)] if starts else []
            for number, start in enumerate(starts):
                block = coming.pop().result()
                if number + 1 < len(starts):
                    coming.append(ahead(number + 1))
                yield start, block

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Return the vectors at the positions ``index``, as a tensor does; ``dim`` is 0."""
        positions = index.numpy()
        vectors = np.empty((len(positions), self._source.shape[1]), self.dtype)
        for row, position in enumerate(positions.tolist()):
            vectors[row] = self._kept(slice(position, position + 1))[0]
        return torch.from_numpy(vectors)
