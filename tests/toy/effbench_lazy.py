"""A plugin whose answers are lazy, or others when a query comes alone than in the quality pass.

Each lazy answer takes `LAZY_MS` when somebody looks at it, and nothing before.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from effbench_toy import (
    PlainIndex,
    ScanRetriever,
    StagedQueries,
    ToyDataset,
    TypedQueries,
    WordsQueries,
)

import effbench

LAZY_MS = 10.0


@effbench.hookimpl
def effbench_datasets():
    return {"own-docs": OwnDocs}


@effbench.hookimpl
def effbench_encoders():
    return {"alone": AloneQueries, "typed-wrong": TypedWrong, "staged-wrong": StagedWrong}


@effbench.hookimpl
def effbench_retrievers():
    return {"lazy-scan": LazyScan}


@effbench.hookimpl
def effbench_indexes():
    return {
        "generator": GeneratorIndex,
        "lazy": LazyIndex,
        "kept": KeptIndex,
        "reused": ReusedIndex,
        "tensors": TensorIndex,
    }


def work(ms=LAZY_MS):
    time.sleep(ms / 1e3)


class OwnDocs(ToyDataset):
    """Each query is a doc of the same id, which does not count as a hit."""

    drop_self_hits = True

    def queries(self):
        for doc in self.docs():
            yield effbench.Query(doc.doc_id, doc.text)

    def qrels(self):
        for number in range(self._docs):
            yield effbench.Qrel(f"d{number}", f"d{(number + 1) % self._docs}", 1)


class GeneratorIndex(PlainIndex):
    """Its `search` is a generator: calling it does nothing."""

    def search(self, queries, k):
        work()
        yield from super().search(queries, k)


class LazyArray:
    """Computed when numpy asks for it."""

    def __init__(self, array):
        self._array, self.shape, self.ndim = array, array.shape, array.ndim

    def __array__(self, dtype=None, copy=None):
        work()
        return self._array


class LazyIndex(PlainIndex):
    """Answers with arrays that are computed when they are looked at; or with only one."""

    def __init__(self, *, single: bool = False) -> None:
        super().__init__()
        self.single = single

    def search(self, queries, k):
        scores, positions = super().search(queries, k)
        return LazyArray(scores) if self.single else (scores, LazyArray(positions))


class KeptIndex(PlainIndex):
    """Can be kept on disk: whoever loads it takes what stands there."""

    def save(self, folder):
        import numpy as np

        np.save(folder / "vectors.npy", self.vectors)

    def load(self, folder, vectors):
        import numpy as np

        self.vectors = np.load(folder / "vectors.npy")


class ReusedIndex(PlainIndex):
    """Answers in two buffers that it uses again for the next single query."""

    def search(self, queries, k):
        import numpy as np

        scores, positions = super().search(queries, k)
        if len(queries) > 1:
            return scores, positions
        if not hasattr(self, "buffers"):
            self.buffers = np.empty_like(scores), np.empty_like(positions)
        self.buffers[0][:], self.buffers[1][:] = scores, positions
        return self.buffers


class DeviceArray:
    """Refuses to be an array on the host, as torch's tensors on a GPU do."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor to numpy.\nUse Tensor.cpu()")


class TensorIndex(PlainIndex):
    """Hands back what is still on the device."""

    def search(self, queries, k):
        return DeviceArray(), DeviceArray()


class LazyList(Sequence):
    """Hits that are looked for when somebody counts or reads them."""

    def __init__(self, hits):
        self._hits = hits

    def __len__(self):
        work()
        return len(self._hits)

    def __getitem__(self, at):
        work()
        return self._hits[at]

    def __iter__(self):
        work()
        return iter(self._hits)


class LazyHit(tuple):
    """A hit that is scored when it is taken apart."""

    def __iter__(self):
        work(1.0)
        return super().__iter__()


class LazyScan(ScanRetriever):
    """Counts common words, later."""

    def __init__(self, *, lazy: Literal["lists", "answer", "generator", "hits"]) -> None:
        super().__init__()
        self.lazy = lazy

    def search(self, queries, k):
        found = super().search(queries, k)
        if self.lazy == "lists":
            return [LazyList(hits) for hits in found]
        if self.lazy == "answer":
            return LazyList(found)
        if self.lazy == "hits":
            return [[LazyHit(hit) for hit in hits] for hits in found]
        return self.one_by_one(found)

    def one_by_one(self, found):
        for hits in found:
            work()
            yield hits


class AloneQueries(WordsQueries):
    """Hashed words; a query that comes alone is answered in another way."""

    def __init__(
        self,
        *,
        alone: Literal["zeros", "nan", "another", "scaled", "int", "row", "narrow", "near"],
        only: str = "",
        ms: effbench.SpeedOnly[float] = 0.0,
    ) -> None:
        super().__init__()
        self.alone, self.only, self.ms = alone, only, ms

    def encode_queries(self, queries):
        import numpy as np

        vectors = super().encode_queries(queries)
        if len(queries) > 1 or self.only not in queries[0]:
            return vectors
        work(self.ms)
        return {
            "zeros": np.zeros_like(vectors),
            "nan": np.full_like(vectors, np.nan),
            "another": super().encode_queries(["oak kite"]),
            "scaled": vectors * 3,
            "int": vectors.astype(int),
            "row": vectors[0],
            "narrow": vectors[:, :32],
            "near": vectors * np.float32(1.0001),
        }[self.alone]


class TypedWrong(TypedQueries):
    """Its `finish` leaves out the last word."""

    def finish(self, state, text):
        return self._vectors([" ".join(text.split()[:-1])])


class StagedWrong(StagedQueries):
    """Its stages read the first word only."""

    def tokenise(self, texts):
        return [text.split()[:1] for text in texts]
