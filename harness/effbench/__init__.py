"""Benchmark efficient dense retrieval: all that a plugin imports."""

from __future__ import annotations

from effbench.api import (
    Dataset,
    Doc,
    EncodedTexts,
    Encoder,
    IncrementalQueryEncoder,
    Index,
    ModelId,
    Qrel,
    Query,
    QueryEncoder,
    QueryOnly,
    Retriever,
    Saved,
    ScoredDoc,
    SpeedOnly,
    TrainedModel,
    Trainer,
    VectorSource,
)
from effbench.errors import EffbenchError
from effbench.hookspecs import hookimpl

__all__ = [
    "Dataset",
    "Doc",
    "EffbenchError",
    "EncodedTexts",
    "Encoder",
    "IncrementalQueryEncoder",
    "Index",
    "ModelId",
    "Qrel",
    "Query",
    "QueryEncoder",
    "QueryOnly",
    "Retriever",
    "Saved",
    "ScoredDoc",
    "SpeedOnly",
    "TrainedModel",
    "Trainer",
    "VectorSource",
    "hookimpl",
]
