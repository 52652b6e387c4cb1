"""The kinds by name, and what a kind can do with its vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from effbench.api.searching import DENSE, SPARSE, TOKENS
from effbench.vectors.dense import Dense
from effbench.vectors.sparse import Sparse
from effbench.vectors.tokens import Tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench.api.arrays import SparseVectors, TokenVectors, Vectors

    AnyVectors: TypeAlias = Vectors | SparseVectors | TokenVectors


class VectorKind(Protocol):
    """What the harness does with the vectors of a kind.

    Vectors of every kind have ``shape`` (items, width), and are read by a slice of items, or by
    an array of item numbers.
    """

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The ends of the names of a shard's files, one for each array of `arrays`."""

    @property
    def fraction(self) -> int:
        """A shard has so many times fewer items than a shard of dense vectors."""

    def taken(self, answer: Any) -> Any:
        """Return what an encoder returned as arrays in host memory, which `checked` takes."""

    def checked(self, taken: Any, items: str, count: int) -> Any:
        """Return finite float32 vectors of ``count`` items, called ``items``: a copy.

        Raises:
            Unfit: the answer breaks the contract of encoders.

        """

    def hosted(self, answer: Any, shape: tuple[int, int | None]) -> Any:
        """Return an encoder's answer as float32 vectors; a finished answer costs no time.

        Raises:
            Unfit: the answer is of another kind or shape. A width of None means any.

        """

    def copied(self, vectors: Any) -> Any:
        """Return a copy, which no plugin can reach."""

    def arrays(self, vectors: Any) -> tuple[NDArray[Any], ...]:
        """Return the arrays that files keep; the first one has the numbers."""

    def numbers(self, vectors: Any) -> NDArray[Any]:
        """Return the numbers in an array, by which two answers are compared."""

    def opened(self, arrays: Sequence[NDArray[Any]], width: int) -> Any:
        """Return the vectors that have these arrays."""

    def nothing(self, width: int) -> Any:
        """Return the vectors of no item."""

    def joined(self, parts: Sequence[Any]) -> Any:
        """Return the vectors of one or more parts after each other."""


KINDS: Mapping[str, VectorKind] = {DENSE: Dense(), SPARSE: Sparse(), TOKENS: Tokens()}
"""The name of a kind, as plugins and manifests say it -> the kind."""
