"""A second plugin of toys, each of which would give a wrong number if nobody looked."""

from __future__ import annotations

from typing import Literal

from effbench_toy import PlainIndex, ScanRetriever, ToyDataset, WordsEncoder

import effbench


@effbench.hookimpl
def effbench_datasets():
    return {"twin": TwinDataset}


@effbench.hookimpl
def effbench_encoders():
    return {"careless": CarelessEncoder}


@effbench.hookimpl
def effbench_indexes():
    return {"odd-index": OddIndex}


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


class CarelessEncoder(WordsEncoder):
    """Hashed words in a buffer that it uses again, or from a list that it changes."""

    def __init__(
        self, *, habit: Literal["reuses", "extends", "overflows", "widens"] = "reuses"
    ) -> None:
        super().__init__()
        self.habit, self.buffer = habit, None

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
        self, *, wrong: Literal["distances", "swapped", "mask", "float positions", "short"]
    ) -> None:
        super().__init__()
        self.wrong = wrong

    def search(self, queries, k):
        scores, positions = super().search(queries, k)
        return {
            "distances": (2 - 2 * scores, positions),
            "swapped": (positions, scores),
            "mask": (scores, positions > 0),
            "float positions": (scores, positions.astype("float32")),
            "short": (scores[1:], positions[1:]),
        }[self.wrong]


class OddRetriever(ScanRetriever):
    """Counts common words, and hands hits over in a way that would be misread."""

    def __init__(self, *, wrong: Literal["rising", "numbers", "triples", "huge"]) -> None:
        super().__init__()
        self.wrong = wrong

    def search(self, queries, k):
        found = super().search(queries, k)
        return {
            "rising": lambda: [hits[::-1] for hits in found],
            "numbers": lambda: [[(int(d[1:]), s) for d, s in hits] for hits in found],
            "triples": lambda: [[(d, s, 0) for d, s in hits] for hits in found],
            "huge": lambda: [[(d, s * 1e300) for d, s in hits] for hits in found],
        }[self.wrong]()
