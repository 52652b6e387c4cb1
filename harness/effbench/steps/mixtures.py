"""A mixture of texts: those of several sources, each text once, with their vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from effbench.steps.shards import read_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from effbench.steps.shards import DiskVectors

CHUNK = 4096
"""Texts that a pass over all texts reads at once."""


def places_of(parts: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Return where each text of a mixture stands: its part, and its row there, int64 [n, 2].

    A text that several parts have is taken from the first of them; no part has a text twice.
    The memory holds 16 bytes for each text, and a few times more while they are compared.
    """
    import numpy as np

    digests = b"".join(sha256(text.encode()).digest()[:16] for part in parts for text in part)
    _, first = np.unique(np.frombuffer(digests, dtype="V16"), return_index=True)
    first.sort()
    starts = np.cumsum([0, *(len(part) for part in parts)])
    number = np.searchsorted(starts, first, side="right") - 1
    return np.stack([number, first - starts[number]], axis=1)


class MixedTexts(Sequence[str]):
    """The texts at some places of several parts; a slice of them is a list."""

    def __init__(self, parts: Sequence[Sequence[str]], places: NDArray[np.int64]) -> None:
        self._parts, self._places = parts, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, position: Any) -> Any:
        if not isinstance(position, slice):
            part, row = self._places[position].tolist()
            return self._parts[part][row]
        places = self._places[position]
        if _are_a_run(places):
            part, first = places[0].tolist()
            return list(self._parts[part][first : first + len(places)])
        return [self._parts[part][row] for part, row in places.tolist()]

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), CHUNK):
            yield from self[first : first + CHUNK]


class MixedVectors:
    """The vectors at some places of several parts: an `effbench.VectorSource`."""

    def __init__(self, parts: Sequence[DiskVectors], places: NDArray[np.int64]) -> None:
        self._parts, self._places = parts, places

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and width."""
        return len(self), self._parts[0].shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers on disk."""
        return self._parts[0].dtype

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, rows: slice) -> Any:
        """Read rows as float32; the caller may write to them, and no file changes."""
        places = self._places[rows]
        if not _are_a_run(places):
            return read_rows(self._parts, places)
        part, first = places[0].tolist()
        return self._parts[part][first : first + len(places)]

    def kept(self, rows: slice) -> Any:
        """Read rows as `dtype`."""
        return self[rows].astype(self.dtype, copy=False)

    def at(self, rows: NDArray[np.int64]) -> Any:
        """Return a copy of some rows in their order, as float32."""
        return read_rows(self._parts, self._places[rows])


def _are_a_run(places: NDArray[np.int64]) -> bool:
    """Whether there are places, and they follow each other in one part."""
    if not len(places):
        return False
    (part, first), (last_part, last) = places[0].tolist(), places[-1].tolist()
    return bool(part == last_part and last - first == len(places) - 1)
