"""Benchmark efficient dense retrieval: all that a plugin imports."""

from __future__ import annotations

from effbench.api import (
    DataPath,
    Dataset,
    Doc,
    DocPair,
    Encoder,
    Exported,
    IncrementalQueryEncoder,
    Index,
    ModelId,
    Paired,
    Qrel,
    Query,
    QueryEncoder,
    QueryOnly,
    Retriever,
    Saved,
    ScoredDoc,
    SpeedOnly,
    Split,
    VectorSource,
)
from effbench.errors import EffbenchError
from effbench.hookspecs import hookimpl
from effbench.trainers import EncodedTexts, Examples, SearchedDataset, TrainedModel, Trainer

__all__ = [
    "DataPath",
    "Dataset",
    "Doc",
    "DocPair",
    "EffbenchError",
    "EncodedTexts",
    "Encoder",
    "Examples",
    "Exported",
    "IncrementalQueryEncoder",
    "Index",
    "ModelId",
    "Paired",
    "Qrel",
    "Query",
    "QueryEncoder",
    "QueryOnly",
    "Retriever",
    "Saved",
    "ScoredDoc",
    "SearchedDataset",
    "SpeedOnly",
    "Split",
    "TrainedModel",
    "Trainer",
    "VectorSource",
    "hookimpl",
]
