"""The index ``exact``: inner products with the whole corpus, by block, on a CPU or GPU.

A float32 matrix product and a bound of its rounding error select candidates, which are then
scored exactly (``effbench_exact.candidates``). The score and the position of a hit make one
integer key, and the hits are the k largest keys (``effbench_exact.keys``). So hits, ties and
scores are the same, bit by bit, on every device and with blocks of any size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from effbench import EffbenchError, SpeedOnly, VectorSource, hookimpl

if TYPE_CHECKING:
    from torch import Tensor

    from effbench import Positions, Vectors

_TILE = {"cpu": 2**22, "cuda": 2**26}  # scores in memory at a time
# Up to 8 queries are searched in 8 blocks at a time: with so few queries, most of the time
# would be the overhead of each block.
_FEW = 8


class ExactIndex:
    """Find the docs with the largest inner products; equal scores are in corpus order.

    ``device`` is auto (CUDA if the machine has it), cpu, cuda or cuda:N. Vectors of up to
    ``memory`` GiB stay on the device. A larger corpus is read from disk in every search,
    ``block`` vectors at a time.
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
        """Raise `EffbenchError` for a device that this machine does not have."""
        if device != "auto":  # auto is never wrong, and it would need an import of torch
            _checked_device(device)

    @staticmethod
    def exact(**_: object) -> bool:
        """Return True: no hit is ever missed."""
        return True

    @property
    def nbytes(self) -> int:
        """The size of the float32 vectors in bytes."""
        n, d = self._vectors.shape
        return n * d * 4

    def build(self, vectors: VectorSource) -> None:
        """Take the vectors, and keep them on the device if they fit into ``memory``.

        Raises:
            EffbenchError: this machine does not have the device.

        """
        import torch

        self._device = _checked_device(self._device)
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
        """Return scores float32 and positions int64, both [q, min(k, n)], best first.

        Equal scores are in the order of their positions.
        """
        import numpy as np

        from effbench_exact import candidates, keys

        queries = np.array(queries, dtype=np.float32)  # a copy: torch needs a writable array
        norms = np.linalg.norm(queries.astype(np.float64), axis=1) * self._norm
        rows = self._block * (_FEW if len(queries) <= _FEW else 1)
        step = max(1, _TILE[self._device.partition(":")[0]] // rows)
        parts = [slice(first, first + step) for first in range(0, len(queries) or 1, step)]
        best = [keys.no_hits(len(queries[part])) for part in parts]
        for start, block in self._blocks(rows):
            for i, part in enumerate(parts):
                floor = keys.worst_score(best[i], k)
                new = candidates.find(queries[part], norms[part], block, floor, k)
                best[i] = keys.merge(best[i], new, start, k)
        return keys.unpack(np.concatenate(best))

    def _blocks(self, rows: int) -> Iterator[tuple[int, Tensor]]:
        import torch

        for start in range(0, len(self._vectors), rows):
            if self._held is not None:
                yield start, self._held[start : start + rows]
            else:
                block = self._vectors[start : start + rows]
                yield start, torch.tensor(block, device=self._device)


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
