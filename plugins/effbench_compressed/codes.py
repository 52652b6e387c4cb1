"""Codes: the vectors of a corpus in less space, and the search for candidates among them.

All of them are faiss's. What a code is fitted to (the range of each dimension, the centre) is
taken from the whole corpus, and from no sample: a number outside of the range of a sample would
be cut off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import faiss
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench import Positions, Vectors

_FILE = "codes.faiss"
_CENTRE = "centre.npy"
_SEED = 1  # of the rotation before RaBitQ
_QUANTIZERS = {
    "float16": faiss.ScalarQuantizer.QT_fp16,
    "int8": faiss.ScalarQuantizer.QT_8bit,
}


@dataclass(frozen=True)
class Spread:
    """What a code is fitted to; all arrays are float32 [d]."""

    smallest: Vectors
    largest: Vectors
    mean: Vectors
    offset: float
    """The share of the mean in the vectors' squared norms: 1 if all vectors are the same."""

    @classmethod
    def of(cls, blocks: Iterable[Vectors], width: int) -> Spread:
        """Read all vectors once, in blocks [m, d]."""
        smallest, largest = np.full(width, np.inf), np.full(width, -np.inf)
        total, squares, count = np.zeros(width), 0.0, 0
        for block in blocks:
            smallest = np.minimum(smallest, block.min(axis=0))
            largest = np.maximum(largest, block.max(axis=0))
            total += block.sum(axis=0, dtype=np.float64)
            squares += float(np.vecdot(block, block, dtype=np.float64).sum())
            count += len(block)
        mean = total / count
        offset = float(mean @ mean) * count / squares if squares else 0.0
        f4 = np.float32
        return cls(smallest.astype(f4), largest.astype(f4), mean.astype(f4), offset)


class Code(Protocol):
    """Vectors as codes, in the order in which they were added."""

    def add(self, vectors: Vectors) -> None:
        """Take the next vectors, float32 [m, d]."""

    def search(self, queries: Vectors, m: int) -> tuple[Vectors, Positions]:
        """Return the scores and positions of the m best by codes, [q, m], best first."""

    def save(self, folder: Path) -> None:
        """Write the codes into a folder."""

    @property
    def nbytes(self) -> int:
        """The memory that they take, in bytes."""


class Numbers:
    """A faiss index of numbers: float32, float16, int8 or RaBitQ's bits."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def load(cls, folder: Path) -> Numbers:
        """Read what `save` wrote."""
        return cls(faiss.read_index(str(folder / _FILE)))

    @property
    def nbytes(self) -> int:
        """The memory of the codes, and of the rotation before RaBitQ."""
        rotated = isinstance(self._index, faiss.IndexPreTransform)
        rotation = 4 * self._index.d**2 if rotated else 0
        return int(self._index.ntotal * self._index.sa_code_size()) + rotation

    def add(self, vectors: Vectors) -> None:
        """Take the next vectors."""
        self._index.add(vectors)

    def search(self, queries: Vectors, m: int) -> tuple[Vectors, Positions]:
        """Return the m largest inner products with the vectors that the codes stand for."""
        hits: tuple[Vectors, Positions] = self._index.search(queries, m)
        return hits

    def save(self, folder: Path) -> None:
        """Write the index in faiss's own format."""
        faiss.write_index(self._index, str(folder / _FILE))


class Signs:
    """A bit for each number: whether it is above the centre. A score is d - 2 x differences."""

    def __init__(self, index: Any, centre: Vectors) -> None:
        self._index, self._centre = index, centre

    @classmethod
    def load(cls, folder: Path) -> Signs:
        """Read what `save` wrote."""
        centre = np.load(folder / _CENTRE, allow_pickle=False)
        return cls(faiss.read_index_binary(str(folder / _FILE)), centre)

    @property
    def nbytes(self) -> int:
        """The memory of the bits."""
        return int(self._index.ntotal * self._index.code_size)

    def add(self, vectors: Vectors) -> None:
        """Take the next vectors."""
        self._index.add(self._bits(vectors))

    def search(self, queries: Vectors, m: int) -> tuple[Vectors, Positions]:
        """Return the m vectors with the most equal bits."""
        differences, positions = self._index.search(self._bits(queries), m)
        return (len(self._centre) - 2 * differences).astype(np.float32), positions

    def save(self, folder: Path) -> None:
        """Write the bits in faiss's own format, and the centre."""
        faiss.write_index_binary(self._index, str(folder / _FILE))
        np.save(folder / _CENTRE, self._centre)

    def _bits(self, vectors: Vectors) -> NDArray[np.uint8]:
        return np.packbits(vectors > self._centre, axis=1)  # filled up with zeros to bytes


def empty(code: str, spread: Spread, *, centre: bool) -> Code:
    """Return codes without vectors, fitted to the vectors that will be added."""
    width = len(spread.mean)
    if code == "binary":
        middle = spread.mean if centre else np.zeros(width, np.float32)
        return Signs(faiss.IndexBinaryFlat(8 * -(-width // 8)), middle)
    if code == "rabitq":
        return Numbers(_rabitq(spread.mean))
    if code == "float32":
        return Numbers(faiss.IndexFlatIP(width))
    index = faiss.IndexScalarQuantizer(width, _QUANTIZERS[code], faiss.METRIC_INNER_PRODUCT)
    index.train(np.stack([spread.smallest, spread.largest]))  # the whole range, by two vectors
    return Numbers(index)


def load(code: str, folder: Path) -> Code:
    """Read the codes that `save` of this kind of code wrote."""
    return Signs.load(folder) if code == "binary" else Numbers.load(folder)


def _rabitq(mean: Vectors) -> Any:
    width = len(mean)
    rotation = faiss.RandomRotationMatrix(width, width)
    rotation.init(_SEED)
    bits = faiss.IndexRaBitQ(width, faiss.METRIC_INNER_PRODUCT)
    index = faiss.IndexPreTransform(rotation, bits)
    index.train(mean[None])  # its centre is the mean of what it is trained with
    return index
