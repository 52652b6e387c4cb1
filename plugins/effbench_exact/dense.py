"""Dense vectors: inner products with the whole corpus, by block, on a CPU or GPU.

Products of one-byte codes (``effbench_exact.screen``), or float32 products, and a bound of
their error select candidates, which are then scored exactly (``effbench_exact.candidates``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from effbench_exact import candidates, keys, screen
from effbench_exact.codes import Codes, fit, largest_norm
from effbench_exact.reading import Reader

if TYPE_CHECKING:
    from torch import Tensor

    from effbench import Positions, Vectors, VectorSource
    from effbench_exact.candidates import Doubles
    from effbench_exact.keys import Keys

_TILE = {"cpu": 2**22, "cuda": 2**26}  # scores in memory at a time
# Up to 8 queries are searched in 8 blocks at a time: with so few queries, most of the time
# would be the overhead of each block.
_FEW, _FOR_FEW = 8, 8
# A cache holds so many numbers: it is faster to scan them all, if most are scored after.
_CACHED = 2**22
# So many queries are worth codes of a block that was just read; larger blocks suit them.
_MANY, _FOR_MANY = 64, 4
# So many queries read their candidates from disk one by one. More read the whole corpus.
_SCATTERED = 64


class DenseSearch:
    """The vectors that are kept in memory, with their codes or without, or read from disk."""

    _held: Tensor | None
    _codes: Codes | None

    def __init__(self, vectors: VectorSource, device: str, block: int, free: int) -> None:
        """Keep the vectors and their codes on the device, if they fit into ``free`` bytes."""
        self._device, self._block = device, block
        self._reader = Reader(vectors)
        n, d = vectors.shape
        self._codes, self._held = None, None
        if device == "cpu" and fit(d) and n * (d + 4) <= free:
            self._codes = Codes(n, d)
            free -= self._codes.nbytes
        if self._reader.nbytes <= free:
            kept = self._reader.torch_dtype
            self._held = torch.empty((n, d), dtype=kept, device=device)
        self._norm = self._read()

    @property
    def nbytes(self) -> int:
        """The size of the vectors, and of their codes, in bytes."""
        return self._reader.nbytes + (0 if self._codes is None else self._codes.nbytes)

    def _read(self) -> float:
        """Fill what is kept of the vectors, and return a bound of their norms."""
        largest = 0.0
        for start, block in self._reader.blocks(self._block):
            if self._held is not None:
                self._held[start : start + len(block)] = block
            numbers = block.float().numpy()
            largest = max(largest, largest_norm(numbers))
            if self._codes is not None:
                self._codes.put(start, numbers)
        if self._codes is not None and not self._codes.usable:
            self._codes = None
        return largest

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Positions]:
        """Return scores float32 and positions int64, both [q, min(k, n)], best first.

        Equal scores are in the order of their positions.
        """
        queries = np.array(queries, dtype=np.float32)  # a copy: torch needs a writable array
        norms = np.sqrt(np.vecdot(queries, queries, dtype=np.float64)) * self._norm
        spans, step = self._spans(len(queries), k)
        parts = [slice(first, first + step) for first in range(0, len(queries) or 1, step)]
        best = [keys.no_hits(len(queries[part])) for part in parts]
        for span in spans:
            for i, part in enumerate(parts):
                best[i] = _merged(best[i], queries[part], norms[part], span, k)
        return keys.unpack(np.concatenate(best))

    def _spans(self, queries: int, k: int) -> tuple[Iterable[Span], int]:
        """Return the spans to search, and how many queries to search them with at a time."""
        n, d = self._reader.shape
        if self._codes is not None:
            if self._held is None and queries <= _SCATTERED:
                return [Span(0, self._reader, self._codes)], screen.TILE
            if self._held is not None and (queries > 1 or n * d > _CACHED or n > 16 * k):
                return [Span(0, self._held, self._codes)], screen.TILE
        if queries >= _MANY and self._device == "cpu" and fit(d):
            return map(_coded, self._blocks(self._block * _FOR_MANY)), screen.TILE
        rows = self._block * (_FOR_FEW if queries <= _FEW else 1)
        return self._blocks(rows), max(1, _TILE[self._device.partition(":")[0]] // rows)

    def _blocks(self, rows: int) -> Iterator[Span]:
        if self._held is None:
            for start, block in self._reader.blocks(rows):
                yield Span(start, block.to(self._device).float(), None)
        else:
            for start in range(0, len(self._held), rows):
                yield Span(start, self._held[start : start + rows].float(), None)


class Span(NamedTuple):
    """Vectors from the position ``start`` on, with their codes or without."""

    start: int
    vectors: Any
    codes: Codes | None


def _coded(span: Span) -> Span:
    codes = Codes(*span.vectors.shape)
    codes.put(0, span.vectors.numpy())
    return span._replace(codes=codes) if codes.usable else span


def _merged(best: Keys, queries: Vectors, norms: Doubles, span: Span, k: int) -> Keys:
    """Return the k best hits among ``best`` and the vectors of a span."""
    start, vectors, codes = span
    if codes is not None:
        return screen.merge(best, queries, norms, codes, vectors, start, k)
    new = candidates.find(queries, norms, vectors, keys.worst_score(best, k), k)
    return keys.merge(best, new, start, k)
