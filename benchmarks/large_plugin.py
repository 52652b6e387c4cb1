"""The plugin of large_corpus.py: a corpus of any size, and an encoder that costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import effbench

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TABLE = 4_099
"""Rows of a table; the vector of a doc is the sum of a row of each of two tables."""


class Large:
    """Docs whose text is their number; a query is near the doc that is relevant to it."""

    drop_self_hits = False

    def __init__(self, *, docs: int, queries: int) -> None:
        self.dataset_id, self._docs, self._queries = "large", docs, queries
        self.corpus_key, self.key = f"large:{docs}", f"large:{docs}:{queries}"

    def docs_count(self) -> int:
        """Return the number of docs."""
        return self._docs

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the docs."""
        return (effbench.Doc(f"d{number}", str(number)) for number in range(self._docs))

    def queries(self) -> Iterator[effbench.Query]:
        """Yield the queries; their docs are spread over the corpus."""
        for number in range(self._queries):
            yield effbench.Query(f"q{number}", str(self._relevant(number)))

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield a relevant doc for each query."""
        for number in range(self._queries):
            yield effbench.Qrel(f"q{number}", f"d{self._relevant(number)}", 1)

    def _relevant(self, number: int) -> int:
        return number * self._docs // self._queries


class Toy:
    """An encoder whose vectors depend only on the number that is the text."""

    def __init__(self, *, width: int = 384) -> None:
        import numpy as np

        random = np.random.default_rng(0)
        shape = (TABLE, width)
        self._tables = [random.standard_normal(shape, np.float32) / width for _ in range(2)]
        self._noise = random.standard_normal(shape, np.float32) / width

    def encode_corpus(self, docs: Sequence[effbench.Doc]) -> NDArray[np.float32]:
        """Return float32 [n, d]."""
        return self._vectors([int(doc.text) for doc in docs])

    def encode_queries(self, queries: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [n, d], near the vectors of the relevant docs."""
        import numpy as np

        numbers = np.array([int(text) for text in queries])
        return self._vectors(numbers) + self._noise[numbers % TABLE]

    def _vectors(self, numbers: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        import numpy as np

        rows = np.asarray(numbers)
        vectors: NDArray[np.float32] = self._tables[0][rows % TABLE]
        vectors += self._tables[1][rows // TABLE % TABLE]
        return vectors


@effbench.hookimpl
def effbench_datasets() -> dict[str, type]:
    """Offer the corpus."""
    return {"large": Large}


@effbench.hookimpl
def effbench_encoders() -> dict[str, type]:
    """Offer the encoder."""
    return {"large": Toy}
