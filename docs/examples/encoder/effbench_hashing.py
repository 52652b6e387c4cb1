"""Hashed words as vectors: a floor that every encoder should clear."""

from __future__ import annotations

import zlib

import numpy as np

import effbench


@effbench.hookimpl
def effbench_encoders():
    return {"hashing": HashingEncoder}


class HashingEncoder:
    """Counts of hashed words, normalised."""

    def __init__(self, *, width: int = 1024) -> None:
        self.width = width

    def encode_queries(self, queries):
        vectors = np.full((len(queries), self.width), 1e-6, np.float32)
        for vector, query in zip(vectors, queries, strict=True):
            for word in query.lower().split():
                vector[zlib.crc32(word.encode()) % self.width] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def encode_corpus(self, docs):
        return self.encode_queries([doc.default_text() for doc in docs])
