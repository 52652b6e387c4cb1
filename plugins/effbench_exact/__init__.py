"""The index ``exact``: inner products with the whole corpus, by block, on a CPU or GPU.

Products of one-byte codes (``effbench_exact.screen``), or float32 products, and a bound of
their error select candidates, which are then scored exactly (``effbench_exact.candidates``).
The score and the position of a hit make one integer key, and the hits are the k largest keys
(``effbench_exact.keys``). So hits, ties and scores are the same, bit by bit, on every device,
with codes or without, and with blocks of any size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from msgspec import Meta

from effbench import EffbenchError, SpeedOnly, VectorSource, hookimpl
from effbench.files import machine_memory

if TYPE_CHECKING:
    from torch import Tensor

    from effbench import Positions, Vectors
    from effbench_exact.candidates import Doubles
    from effbench_exact.codes import Codes
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


MOST = 4 * 2**30
"""Bytes that an index holds if the suite names no limit, on a machine with three times that."""


class ExactIndex:
    """Find the docs with the largest inner products; equal scores are in corpus order.

    ``device`` is auto (CUDA if the machine has it), cpu, cuda or cuda:N. Vectors of up to
    ``memory`` GiB (by default 4, or a third of the machine's memory if that is less) stay on
    the device, as float16 if that is how they are kept on disk. A CPU with VNNI takes a byte
    more for each number, for codes, and searches several times as fast; if only the codes fit,
    up to 64 queries read no more than their candidates from disk. A larger corpus is read from
    disk in every search, in pieces of up to 8 times ``block``.
    """

    _held: Tensor | None
    _codes: Codes | None

    def __init__(
        self,
        *,
        device: SpeedOnly[str] = "auto",
        block: SpeedOnly[Annotated[int, Meta(ge=1)]] = 8192,
        memory: SpeedOnly[Annotated[float, Meta(ge=0)] | None] = None,
    ) -> None:
        self._device = device
        self._block = block
        self._memory = memory

    @staticmethod
    def check(*, device: str, **_: object) -> None:
        """Raise `EffbenchError` for a device that this machine does not have."""
        if device != "auto":  # auto is never wrong, and it would need an import of torch
            _checked_device(device)

    @staticmethod
    def exact(**_: object) -> bool:
        """Return True: no hit is ever missed."""
        return True

    @property
    def nbytes(self) -> int:
        """The size of the vectors, and of their codes, in bytes."""
        return self._reader.nbytes + (0 if self._codes is None else self._codes.nbytes)

    def build(self, vectors: VectorSource) -> None:
        """Take the vectors, and keep them and their codes if they fit into ``memory``.

        Raises:
            EffbenchError: this machine does not have the device.

        """
        import torch

        from effbench_exact import codes
        from effbench_exact.reading import Reader

        self._device = _checked_device(self._device)
        self._reader = Reader(vectors)
        n, d = vectors.shape
        free = _allowed(self._memory)
        self._codes, self._held = None, None
        if self._device == "cpu" and codes.fit(d) and n * (d + 4) <= free:
            self._codes = codes.Codes(n, d)
            free -= self._codes.nbytes
        if self._reader.nbytes <= free:
            kept = self._reader.torch_dtype
            self._held = torch.empty((n, d), dtype=kept, device=self._device)
        self._norm = self._read()

    def _read(self) -> float:
        """Fill what is kept of the vectors, and return a bound of their norms."""
        from effbench_exact import codes

        largest = 0.0
        for start, block in self._reader.blocks(self._block):
            if self._held is not None:
                self._held[start : start + len(block)] = block
            numbers = block.float().numpy()
            largest = max(largest, codes.largest_norm(numbers))
            if self._codes is not None:
                self._codes.put(start, numbers)
        if self._codes is not None and not self._codes.usable:
            self._codes = None
        return largest

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Positions]:
        """Return scores float32 and positions int64, both [q, min(k, n)], best first.

        Equal scores are in the order of their positions.
        """
        import numpy as np

        from effbench_exact import keys

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
        from effbench_exact import codes, screen

        n, d = self._reader.shape
        if self._codes is not None:
            if self._held is None and queries <= _SCATTERED:
                return [Span(0, self._reader, self._codes)], screen.TILE
            if self._held is not None and (queries > 1 or n * d > _CACHED or n > 16 * k):
                return [Span(0, self._held, self._codes)], screen.TILE
        if queries >= _MANY and self._device == "cpu" and codes.fit(d):
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
    from effbench_exact.codes import Codes

    codes = Codes(*span.vectors.shape)
    codes.put(0, span.vectors.numpy())
    return span._replace(codes=codes) if codes.usable else span


def _merged(best: Keys, queries: Vectors, norms: Doubles, span: Span, k: int) -> Keys:
    """Return the k best hits among ``best`` and the vectors of a span."""
    from effbench_exact import candidates, keys, screen

    start, vectors, codes = span
    if codes is not None:
        return screen.merge(best, queries, norms, codes, vectors, start, k)
    new = candidates.find(queries, norms, vectors, keys.worst_score(best, k), k)
    return keys.merge(best, new, start, k)


def _allowed(memory: float | None) -> int:
    """Return how many bytes an index may hold; ``memory`` is in GiB."""
    if memory is None:
        return min(MOST, machine_memory() // 3)
    return int(memory * 2**30)


def _checked_device(device: str) -> str:
    """Return the name of the torch device that ``device`` means.

    Raises:
        EffbenchError: this machine does not have it.

    """
    if device in ("cpu", "mps"):  # Apple's GPUs have no float64
        return "cpu"
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = device.partition(":")
    if kind != "cuda" or not (number or "0").isdecimal():
        raise EffbenchError(
            f"exact: unknown device {device!r} (take auto, cpu, cuda or cuda:1)"
        )
    if int(number or 0) >= torch.cuda.device_count():
        raise EffbenchError(f"exact: device {device} is not here (take auto or cpu)")
    return device


@hookimpl
def effbench_indexes() -> Mapping[str, type[ExactIndex]]:
    """Offer ``exact``."""
    return {"exact": ExactIndex}
