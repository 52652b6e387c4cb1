"""Counts of letters as vectors: the smallest encoder there is."""

from __future__ import annotations

import effbench


@effbench.hookimpl
def effbench_encoders():
    return {"letters": LettersEncoder}


class LettersEncoder:
    """Counts of letters, normalised."""

    def __init__(self, *, alphabet: str = "abcdefghijklmnopqrstuvwxyz") -> None:
        self.alphabet = alphabet

    def encode_queries(self, queries):
        import numpy as np

        counts = np.array([[1 + q.count(letter) for letter in self.alphabet] for q in queries])
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    def encode_corpus(self, docs):
        return self.encode_queries([doc.default_text() for doc in docs])
