"""Exact search: the inner products of a whole corpus, block by block, on the CPU or a GPU.

Candidates are selected by a float32 matrix product and its rounding error, then scored
exactly (``effbench_exact.candidates``). Score and position make one integer key, so that
the hits, ties included, are the k largest keys (``effbench_exact.keys``): the same hits and
scores, bit by bit, on every device and in blocks of any size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from effbench import EffbenchError, SpeedOnly, VectorSource, hookimpl

if TYPE_CHECKING:
    from torch import Tensor

    from effbench import Positions, Vectors

_TILE = {"cpu": 2**22, "cuda": 2**26}  # scores held at once: bounds memory
_FEW = 8  # queries take so many blocks at once, whose overhead is most of their time


class ExactIndex:
    """Find the largest inner products; equal scores are ordered by position.

    ``device`` is auto (CUDA where it is there), cpu, cuda or cuda:N. ``memory`` is how
    many GiB of vectors may stay there: a larger corpus is read from disk in every search,
    ``block`` rows at a time.
    """

    def __init__(
        self,
        *,
        device: SpeedOnly[str] = "auto",
        block: SpeedOnly[Annotated[int, Meta(ge=1)]] = 8192,
        memory: SpeedOnly[Annotated[float, Meta(ge=0)]] = 4.0,
    ) -> None:
        self._device = device
        self._block = block
        self._memory = memory

    @staticmethod
    def check(*, device: str, **_: object) -> None:
        """Raise `EffbenchError` for a device that is not here."""
        if device != "auto":  # never wrong, and only torch could tell what it is
            _find(device)

    @property
    def nbytes(self) -> int:
        """Bytes of the float32 vectors."""
        n, d = self._vectors.shape
        return n * d * 4

    def build(self, vectors: VectorSource) -> None:
        """Take the vectors, and hold them on the device when they fit into ``memory``.

        Raises:
            EffbenchError: the device is not here.

        """
        import torch

        self._device = _find(self._device)
        self._vectors = vectors
        self._norm, self._held, held = 0.0, None, None
        if self.nbytes <= self._memory * 2**30:
            held = torch.empty(vectors.shape, device=self._device)
        for start, block in self._blocks(self._block):
            norms = torch.linalg.vector_norm(block, dim=1, dtype=torch.float64)
            self._norm = max(self._norm, float(norms.max()))
            if held is not None:
                held[start : start + len(block)] = block
        self._held = held

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Positions]:
        """Return scores float32 and positions int64 [q, min(k, n)], ties by position."""
        import numpy as np

        from effbench_exact import candidates, keys

        queries = np.array(queries, dtype=np.float32)  # a copy: torch shares no read-only one
        norms = np.linalg.norm(queries.astype(np.float64), axis=1) * self._norm
        rows = self._block * (_FEW if len(queries) <= _FEW else 1)
        step = max(1, _TILE[self._device.partition(":")[0]] // rows)
        parts = [slice(first, first + step) for first in range(0, len(queries) or 1, step)]
        best = [keys.none(len(queries[part])) for part in parts]
        for start, block in self._blocks(rows):
            for i, part in enumerate(parts):
                floor = keys.worst_score(best[i], k)
                found = candidates.find(queries[part], norms[part], block, floor, k)
                best[i] = keys.merge(best[i], found, start, k)
        return keys.unpack(np.concatenate(best))

    def _blocks(self, rows: int) -> Iterator[tuple[int, Tensor]]:
        import torch

        for start in range(0, len(self._vectors), rows):
            if self._held is not None:
                yield start, self._held[start : start + rows]
            else:
                block = self._vectors[start : start + rows]
                yield start, torch.tensor(block, device=self._device)


def _find(device: str) -> str:
    """Return the torch device meant, or raise `EffbenchError` if it is not here."""
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
