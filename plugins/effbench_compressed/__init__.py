"""The index ``compressed``: vectors with fewer dimensions or smaller numbers, and rescoring.

Codes of the vectors stay in memory and find candidates. The vectors themselves stay on disk,
where the harness keeps them: those of the candidates are read, and scored as the index
``exact`` scores them (``effbench_exact.rescoring``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from msgspec import Meta

from effbench import EffbenchError, VectorSource, hookimpl

if TYPE_CHECKING:
    from effbench import Positions, Vectors
    from effbench_compressed.codes import Code, Spread

Count: TypeAlias = Annotated[int, Meta(ge=1)]

_ROWS = 65_536  # vectors encoded at a time: bounds memory
# of a larger number, the code or the sum of squares is infinite
_LARGEST = {"float16": 65_504.0, "rabitq": 1e17}
_OFFSET = 0.5  # a larger share of the mean in the squared norms makes most signs equal

log = logging.getLogger(__name__)


class CompressedIndex:
    """Find candidates by codes of the vectors, and score them with the whole vectors.

    ``dims`` keeps the first dimensions of the vectors (Matryoshka); what is left gets norm 1
    again, or not (``renormalise``). ``code`` is how a number is kept: float32, float16, int8
    (256 steps from the smallest to the largest number of its dimension), binary (a bit: whether
    it is above the mean of its dimension; with ``centre: false``, above 0), or rabitq (a bit,
    and two numbers for each vector that correct the products).

    Raises:
        EffbenchError: ``dims`` is more than the vectors have, or the code cannot hold a number.

    """

    requires: ClassVar[Mapping[str, str]] = {"faiss": "effbench[faiss-cpu]"}

    def __init__(
        self,
        *,
        code: Literal["float32", "float16", "int8", "binary", "rabitq"] = "int8",
        dims: Count | None = None,
        renormalise: bool = True,
        centre: bool = True,
    ) -> None:
        self._code_name = code
        self._dims = dims
        self._renormalise = renormalise
        self._centre = centre

    @staticmethod
    def check(*, code: str, centre: bool, **_: object) -> None:
        """Raise `EffbenchError` for options that do not fit together, or an old faiss."""
        if code != "binary" and not centre:
            raise EffbenchError("compressed: centre belongs to code: binary (leave it out)")
        if code == "rabitq":
            import faiss

            if not hasattr(faiss, "IndexRaBitQ"):
                raise EffbenchError(
                    "compressed: this faiss has no RaBitQ (install faiss-cpu 1.12 or newer)"
                )

    @property
    def nbytes(self) -> int:
        """The size of the codes in bytes; the vectors for rescoring stay on disk."""
        return self._codes.nbytes

    def build(self, vectors: VectorSource) -> None:
        """Fit the code to all vectors, and encode them block by block.

        Raises:
            EffbenchError: ``dims`` or the code does not suit the vectors.

        """
        from effbench_compressed import codes

        self._use(vectors)
        spread = codes.Spread.of(self._blocks(), self._width)
        self._refuse_large(spread)
        self._warn_of_offset(spread)
        self._codes: Code = codes.empty(self._code_name, spread, centre=self._centre)
        for block in self._blocks():
            self._codes.add(block)

    def search(
        self, queries: Vectors, k: int, *, over_fetch: Count = 4, rescore: bool = True
    ) -> tuple[Vectors, Positions]:
        """Return scores float32 and positions int64, both [q, min(k, n)], best first.

        With ``rescore``, ``over_fetch`` x k candidates are scored with the whole vectors, and
        equal scores are in the order of their positions. Without it the scores are those of the
        codes.

        Raises:
            EffbenchError: the products of the vectors are no 32-bit floats.

        """
        wanted = min(k * over_fetch if rescore else k, len(self._vectors))
        scores, positions = self._codes.search(self._cut(queries), wanted)
        if positions.size and positions.min() < 0:  # faiss leaves out what is no number
            raise EffbenchError(
                "compressed: inner products with a query are too large for a 32-bit float "
                "(normalise the vectors)"
            )
        if not rescore:
            return scores, positions
        return self._rescored(self._vectors, queries, positions, k)

    def save(self, folder: Path) -> None:
        """Write the codes in faiss's own format."""
        self._codes.save(folder)

    def load(self, folder: Path, vectors: VectorSource) -> None:
        """Read the codes that `save` wrote."""
        from effbench_compressed import codes

        self._use(vectors)
        self._codes = codes.load(self._code_name, folder)

    def _use(self, vectors: VectorSource) -> None:
        from effbench_exact.rescoring import rescored  # here: no search waits for torch

        self._rescored = rescored
        width = vectors.shape[1]
        self._vectors, self._width = vectors, self._dims or width
        if self._width > width:
            raise EffbenchError(
                f"compressed: dims is {self._dims}, and the vectors have {width} "
                f"(take 1 to {width})"
            )

    def _blocks(self) -> Iterator[Vectors]:
        for start in range(0, len(self._vectors), _ROWS):
            yield self._cut(self._vectors[start : start + _ROWS])

    def _cut(self, vectors: Vectors) -> Vectors:
        """Return the first dimensions, float32 [m, dims], with norm 1 if that is wanted."""
        import numpy as np

        cut = np.ascontiguousarray(vectors[:, : self._width], dtype=np.float32)
        if not self._renormalise or self._width == vectors.shape[1]:
            return cut
        norms = np.sqrt(np.vecdot(cut, cut, dtype=np.float64))[:, None]
        return (cut / np.where(norms > 0, norms, 1)).astype(np.float32)

    def _refuse_large(self, spread: Spread) -> None:
        largest = max(float(abs(spread.smallest).max()), float(abs(spread.largest).max()))
        if largest > _LARGEST.get(self._code_name, largest):
            raise EffbenchError(
                f"compressed: {self._code_name} has no number {largest:.6g} (take another code)"
            )

    def _warn_of_offset(self, spread: Spread) -> None:
        if self._code_name == "binary" and not self._centre and spread.offset > _OFFSET:
            log.warning(
                "compressed: the vectors have a common offset, %.0f %% of their squared norms, "
                "so docs have nearly the same signs: without rescoring, their order means "
                "little (leave out centre: false)",
                100 * spread.offset,
            )


@hookimpl
def effbench_indexes() -> Mapping[str, type[CompressedIndex]]:
    """Offer ``compressed``."""
    return {"compressed": CompressedIndex}
