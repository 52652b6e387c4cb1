"""The formulas of BM25, as bm25s has them (Kamphuis et al., ECIR 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, TypeAlias

from msgspec import Meta

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K1: TypeAlias = Annotated[float, Meta(ge=0)]
B: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Method: TypeAlias = Literal["lucene", "robertson", "atire", "bm25l", "bm25+"]

DELTA = 0.5
"""The constant of bm25l and bm25+."""


class Formula(NamedTuple):
    """The weight of a word in a doc: a factor of the doc times a factor of the word."""

    k1: float
    b: float
    method: Method

    def of_counts(
        self, counts: NDArray[np.float64], lengths: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the factors of words that docs have, less what a doc without them gets.

        ``lengths`` are those of the docs, as multiples of the mean length.
        """
        k1, norm = self.k1, 1 - self.b + self.b * lengths
        if self.method == "bm25l":
            parts = counts / norm + DELTA
            return (k1 + 1) * (parts / (k1 + parts) - DELTA / (k1 + DELTA))
        parts = counts / (counts + k1 * norm)
        return parts if self.method in ("lucene", "robertson") else (k1 + 1) * parts

    def of_frequencies(
        self, frequencies: NDArray[np.float64], docs: int
    ) -> NDArray[np.float64]:
        """Return the factors of words that are in so many of the docs."""
        import numpy as np

        odds = (docs - frequencies + 0.5) / (frequencies + 0.5)
        ratios = {
            "lucene": 1 + odds,
            "robertson": np.maximum(odds, 1),
            "atire": docs / frequencies,
            "bm25l": (docs + 1) / (frequencies + 0.5),
            "bm25+": (docs + 1) / frequencies,
        }
        rarity: NDArray[np.float64] = np.log(ratios[self.method])
        return rarity
