"""The index ``exact``: the best of a whole corpus, for vectors of every kind.

Each kind has its search: ``effbench_exact.dense``, ``.sparse`` and ``.tokens``. The score and
the position of a hit make one integer key, and the hits are the k largest keys
(``effbench_exact.keys``). Scores are float64 sums, rounded to float32, and do not depend on the
order of summation. So hits, ties and scores are the same, bit by bit, on every device, and with
blocks of any size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol

from msgspec import Meta

from effbench import EffbenchError, SpeedOnly, VectorSource, hookimpl
from effbench.files import machine_memory

if TYPE_CHECKING:
    from typing import TypeAlias

    from effbench import Positions, SparseVectors, TokenVectors, Vectors

    AnyVectors: TypeAlias = Vectors | SparseVectors | TokenVectors

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

    Sparse vectors and token vectors are searched on the CPU. A sparse doc that shares no word
    with the query is no hit. The score of token vectors is their MaxSim: the sum over the
    query's vectors of the largest inner product with a vector of the doc.
    """

    takes: ClassVar[tuple[str, ...]] = ("dense", "sparse", "tokens")

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
        """The size of the vectors, and of what is kept beside them, in bytes."""
        return self._search.nbytes

    def build(self, vectors: VectorSource) -> None:
        """Take the vectors, and keep them in memory if they fit into ``memory``.

        Raises:
            EffbenchError: this machine does not have the device.

        """
        self._device = _checked_device(self._device)
        self._search = _search_of(vectors)(
            vectors, self._device, self._block, _allowed(self._memory)
        )

    def search(self, queries: AnyVectors, k: int) -> tuple[Vectors, Positions]:
        """Return scores float32 and positions int64, both [q, m] with m <= k, best first.

        Equal scores are in the order of their positions. A sparse query may have fewer hits
        than m: -1 fills its row.
        """
        return self._search.search(queries, k)


class Search(Protocol):
    """What searches the vectors of a kind: made from their source, a device and limits."""

    @property
    def nbytes(self) -> int:
        """The memory that searching takes, in bytes."""

    def search(self, queries: Any, k: int) -> tuple[Vectors, Positions]:
        """Do as `ExactIndex.search`."""


def _search_of(vectors: VectorSource) -> Callable[[VectorSource, str, int, int], Search]:
    """Return the class for the kind of vectors that slices of the source have."""
    from effbench import TokenVectors

    nothing: Any = getattr(vectors, "kept", vectors.__getitem__)(slice(0, 0))
    if isinstance(nothing, TokenVectors):
        from effbench_exact.tokens import TokenSearch

        return TokenSearch
    if hasattr(nothing, "indptr"):  # to ask scipy would import it for dense vectors
        from effbench_exact.sparse import SparseSearch

        return SparseSearch
    from effbench_exact.dense import DenseSearch

    return DenseSearch


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
