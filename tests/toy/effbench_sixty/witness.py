"""Honest rows whose numbers show any change of their process."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
from effbench_toy import PlainIndex, ScanRetriever, WordsEncoder

import effbench
from effbench_sixty.states import witnessed


def seen() -> float:
    """Return a number in [0, 1) that stands for what is seen, and write it down if asked."""
    now = {name: str(value) for name, value in witnessed().items()}
    if "SIXTY_SEEN" in os.environ:
        with Path(os.environ["SIXTY_SEEN"]).open("a") as log:
            log.write(json.dumps(now) + "\n")
    digest = hashlib.sha256(json.dumps(now).encode()).digest()
    return int.from_bytes(digest[:3], "big") / 2**24


class WitnessEncoder(WordsEncoder):
    """Hashed words, and what it sees of its process."""

    def __init__(self, *, width: int = 32) -> None:
        self.width, self.pause, self.made = width, 0.0, seen()

    def encode_corpus(self, docs):
        return self._with(super().encode_corpus(docs))

    def encode_queries(self, queries):
        return self._with(super().encode_queries(queries))

    def _with(self, vectors):
        column = np.full((len(vectors), 1), (self.made + seen()) / 8, dtype=np.float32)
        return np.hstack([vectors, column])


class WitnessIndex(PlainIndex):
    """All products, times what it sees; indexes of another salt are others."""

    def __init__(self, *, salt: int = 0) -> None:
        super().__init__()

    def build(self, vectors):
        self.built = seen()
        super().build(vectors)

    def search(self, queries, k):
        scores, positions = super().search(queries, k)
        return scores * np.float32(1 + self.built + seen()), positions


class WitnessRetriever(ScanRetriever):
    """Counts common words, and adds what it sees."""

    def __init__(self) -> None:
        super().__init__()

    def index(self, docs):
        self.indexed = seen()
        super().index(docs)

    def search(self, queries, k):
        more = self.indexed + seen()
        return [
            [effbench.ScoredDoc(hit.doc_id, hit.score + more) for hit in hits]
            for hits in super().search(queries, k)
        ]
