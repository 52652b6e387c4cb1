"""A second plugin of toys, each of which would give a wrong number if nobody looked."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Literal

from effbench_toy import PlainIndex, ScanRetriever, ToyDataset, WordsEncoder

import effbench


@effbench.hookimpl
def effbench_datasets():
    return {"twin": TwinDataset, "careless-docs": CarelessDataset, "own-key": OwnKey}


@effbench.hookimpl
def effbench_encoders():
    return {"careless": CarelessEncoder}


@effbench.hookimpl
def effbench_indexes():
    return {"odd-index": OddIndex, "writing": WritingIndex}


@effbench.hookimpl
def effbench_retrievers():
    return {"odd-retriever": OddRetriever}


class TwinDataset(ToyDataset):
    """Says the keys of another plugin's dataset, and holds its docs in another order."""

    def __init__(self, *, docs: int = 60) -> None:
        super().__init__(docs=docs)
        self.dataset_id = "twin"

    def docs(self):
        texts = [doc.text for doc in super().docs()]
        for number, text in enumerate(reversed(texts)):
            yield effbench.Doc(f"d{number}", text)

    def qrels(self):
        for number in range(0, self._docs, 2):
            yield effbench.Qrel(f"q{number}", f"d{self._docs - 1 - number}", 1)


class CarelessDataset(ToyDataset):
    """Fills one object again and again, gives others when asked again, miscounts, misnames."""

    def __init__(
        self,
        *,
        habit: Literal["reuses", "once", "part", "uncounted", "dicts", "number", "none"],
        docs: int = 60,
    ) -> None:
        super().__init__(docs=docs, name="careless")
        self.habit, self.rest = habit, super().docs()
        if habit == "number":
            self.dataset_id = 7
        if habit == "none":
            self.corpus_key = None

    def docs_count(self):
        return None if self.habit in ("once", "uncounted") else super().docs_count()

    def docs(self):
        if self.habit == "once":
            return self.rest
        docs = super().docs()
        if self.habit == "part":
            return (doc for doc in docs if doc.doc_id < "d3")
        if self.habit == "dicts":
            return (doc._asdict() for doc in docs)
        return filled(docs) if self.habit == "reuses" else docs

    def queries(self):
        return filled(super().queries()) if self.habit == "reuses" else super().queries()


class OwnKey(ToyDataset):
    """Says one key for corpora of every size."""

    def __init__(self, *, docs: int) -> None:
        super().__init__(docs=docs, name=f"own-{docs}")
        self.corpus_key = "own"


def filled(items):
    """Yield one object, filled with one item after the other."""
    one = SimpleNamespace()
    for item in items:
        vars(one).update(item._asdict(), default_text=getattr(item, "default_text", None))
        yield one


class CarelessEncoder(WordsEncoder):
    """Hashed words in a buffer that it uses again, or from a list that it changes."""

    def __init__(
        self,
        *,
        habit: Literal[
            "reuses", "extends", "overflows", "widens", "masks", "goes elsewhere"
        ] = "reuses",
        folder: str = "",
    ) -> None:
        super().__init__()
        self.habit, self.buffer = habit, None
        if habit == "goes elsewhere":
            os.chdir(folder)

    def encode_queries(self, queries):
        return self._filled(super().encode_queries(queries), queries)

    def encode_corpus(self, docs):
        return self._filled(super().encode_corpus(docs), docs)

    def _filled(self, vectors, items):
        import numpy as np

        if self.habit == "extends":
            items.append(items[0])
        if self.habit == "overflows":
            return vectors.astype(np.float64) * 1e300
        if self.habit == "masks":
            return np.ma.masked_less(vectors, 0.5)
        if self.habit == "widens":
            self.width += 1
        if self.habit != "reuses":
            return vectors
        if self.buffer is None:
            self.buffer = np.empty((2048, self.width), dtype=np.float32)
        self.buffer[: len(vectors)] = vectors
        return self.buffer[: len(vectors)]


class OddIndex(PlainIndex):
    """All products, handed over in a way that would be misread."""

    def __init__(
        self,
        *,
        wrong: Literal[
            "distances", "swapped", "mask", "float positions", "short", "gap", "masked", "bytes"
        ],
    ) -> None:
        super().__init__()
        self.wrong = wrong

    @property
    def nbytes(self):
        return -1 if self.wrong == "bytes" else super().nbytes

    def search(self, queries, k):
        import numpy as np

        scores, positions = super().search(queries, k)
        rank = np.arange(scores.shape[1])
        return {
            "gap": (scores + (rank > 1), np.where(rank == 1, -1, positions)),
            "masked": (np.ma.masked_less(scores, 0.5), positions),
            "distances": (2 - 2 * scores, positions),
            "swapped": (positions, scores),
            "mask": (scores, positions > 0),
            "float positions": (scores, positions.astype("float32")),
            "short": (scores[1:], positions[1:]),
        }[self.wrong]


class WritingIndex(PlainIndex):
    """Normalises in place what it is given, as torch's functions do without asking."""

    def build(self, vectors):
        self.vectors = self.normalised(vectors[:])

    def search(self, queries, k):
        return super().search(self.normalised(queries), k)

    def normalised(self, vectors):
        import torch

        tensor = torch.from_numpy(vectors)
        tensor /= tensor.norm(dim=1, keepdim=True)
        return vectors


class OddRetriever(ScanRetriever):
    """Counts common words, and hands hits over in a way that would be misread."""

    def __init__(self, *, wrong: str) -> None:
        super().__init__()
        self.wrong, self.hits = wrong, []

    def search(self, queries, k):
        found = super().search(queries, k)
        return {
            "rising": lambda: [hits[::-1] for hits in found],
            "numbers": lambda: [[(int(d[1:]), s) for d, s in hits] for hits in found],
            "triples": lambda: [[(d, s, 0) for d, s in hits] for hits in found],
            "filled again": lambda: list(map(self.filled, found)),
            "filled again later": lambda: map(self.filled, found),
            "huge": lambda: [[(d, s * 1e300) for d, s in hits] for hits in found],
        }[self.wrong]()

    def filled(self, hits):
        self.hits[:] = hits
        return self.hits
