"""Benchmark efficient dense retrieval: all that a plugin imports."""

from __future__ import annotations

from effbench.api import (
    Dataset,
    Doc,
    Encoder,
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
    VectorSource,
)
from effbench.errors import EffbenchError
from effbench.hookspecs import hookimpl

__all__ = [
    "Dataset",
    "Doc",
    "EffbenchError",
    "Encoder",
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
    "VectorSource",
    "hookimpl",
]
