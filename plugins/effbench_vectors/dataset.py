"""The dataset ``vectors``: rows of files as docs and queries, to compare indexes alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from effbench import Doc, EffbenchError, Qrel, Query
from effbench.files import digest_of, opened, sha256_of
from effbench_vectors.arrays import BINARY, HEADER, binary, header_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

START = 1 << 20
"""Bytes of a file of vectors that tell it from other files."""


class VectorsDataset:
    """The layout of big-ann-benchmarks: base vectors, query vectors and true neighbours.

    A doc is a row of ``base`` and a query a row of ``queries``; ids and texts are row numbers,
    so the encoder is ``{use: vectors, path: BASE, queries: QUERIES}``. ``truth`` has the row
    numbers of each query's nearest docs (``.ibin``, or with their distances). The first
    ``neighbours`` of them are relevant: R@10 with 10 neighbours is the recall of an index.

    Raises:
        EffbenchError: a file is cut off, the numbers of queries differ, or ``truth`` has fewer
            neighbours.

    """

    drop_self_hits = False

    def __init__(
        self,
        *,
        base: Path,
        queries: Path,
        truth: Path,
        neighbours: Annotated[int, Meta(ge=1)] = 10,
        name: str | None = None,
    ) -> None:
        self._docs, self._queries = len(_vectors(base)), len(_vectors(queries))
        self._truth, self._neighbours = true_neighbours(truth), neighbours
        if len(self._truth) != self._queries or self._truth.shape[1] < neighbours:
            raise EffbenchError(
                f"{truth}: {self._truth.shape[1]} neighbours of {len(self._truth):,} queries "
                f"(wanted: {neighbours} or more of {self._queries:,}, as in {queries.name})"
            )
        self.dataset_id = name or f"vectors/{base.stem}/{neighbours}"
        self.note = (
            f"{self.dataset_id}: docs and queries are vectors of files; encoding is a look-up"
        )
        with base.open("rb") as file:
            start = file.read(START).hex()
        # a part will do: docs are numbers, and the key of their vectors has the whole digest
        self.corpus_key = digest_of([self._docs, start])
        self.key = digest_of([neighbours, self._queries, _sha256(truth)])

    def docs_count(self) -> int:
        """Return the number of base vectors."""
        return self._docs

    def docs(self) -> Iterator[Doc]:
        """Yield a doc for each base vector."""
        return (Doc(str(row), str(row)) for row in range(self._docs))

    def queries(self) -> Iterator[Query]:
        """Yield a query for each query vector."""
        return (Query(str(row), str(row)) for row in range(self._queries))

    def qrels(self) -> Iterator[Qrel]:
        """Yield the first neighbours of each query."""
        for row, docs in enumerate(self._truth[:, : self._neighbours].tolist()):
            for doc in docs:
                if not 0 <= doc < self._docs:
                    raise EffbenchError(
                        f"vectors: query {row} has the neighbour {doc}, but the base has "
                        f"{self._docs:,} vectors (take the truth of this base)"
                    )
                yield Qrel(str(row), str(doc), 1)


def true_neighbours(path: Path) -> NDArray[Any]:
    """Return the row numbers of the nearest docs of each query, [q, k], memory-mapped.

    The file has int32 numbers alone, or all their distances (float32) after them.

    Raises:
        EffbenchError: the size of the file contradicts its header.

    """
    rows, width = header_of(path)
    with_distances = path.stat().st_size == HEADER + rows * width * 8
    return binary(path, "<i4", after=4 if with_distances else 0)


def _vectors(path: Path) -> NDArray[Any]:
    if path.suffix not in BINARY:
        raise EffbenchError(f"{path}: no file of vectors (take one of {', '.join(BINARY)})")
    return binary(path, BINARY[path.suffix])


def _sha256(path: Path) -> str:
    with opened(path) as file:
        return sha256_of(file).hex()
