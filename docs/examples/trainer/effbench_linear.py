"""A student of hashed words: it learns from a teacher's vectors what each word is worth."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

import effbench


@effbench.hookimpl
def effbench_trainers():
    return {"linear": LinearTrainer}


@effbench.hookimpl
def effbench_encoders():
    return {"linear": LinearEncoder}


@dataclass
class LinearTrainer:
    """Least squares from the counts of hashed words to the vectors of a teacher."""

    targets: effbench.EncodedTexts
    width: int = 1024

    def train(self, output_dir, *, seed):
        texts, vectors = self.targets.texts, self.targets.vectors
        weights, *_ = np.linalg.lstsq(counts(texts, self.width), vectors[: len(texts)])
        np.save(output_dir / "weights.npy", weights)


class LinearEncoder:
    """Encodes queries with the model of `linear`; `passages` names the teacher."""

    def __init__(self, *, model: effbench.TrainedModel) -> None:
        self.weights = np.load(model.folder / "weights.npy")

    def encode_queries(self, queries):
        return counts(queries, len(self.weights)) @ self.weights


def counts(texts, width):
    table = np.zeros((len(texts), width), np.float32)
    for row, text in zip(table, texts, strict=True):
        for word in text.lower().split():
            row[zlib.crc32(word.encode()) % width] += 1
    return table
