"""Benchmark efficient dense retrieval: the contracts that a plugin implements, and its errors.

This is the public face, with `effbench.files` and `effbench.commands`: a plugin imports these
three and nothing else of effbench.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from effbench.api.encoders import (
    READER,
    Countable,
    CountingQueryEncoder,
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
    StagedQueryEncoder,
    VectorSource,
)
from effbench.api.errors import EffbenchError, NoDataError
from effbench.api.hookspecs import hookimpl
from effbench.api.training import (
    ABOUT,
    Domain,
    DomainModels,
    EncodedTexts,
    Examples,
    SearchedDataset,
    TrainedModel,
    Trainer,
)
from effbench.work.progress import tell_steps

if TYPE_CHECKING:  # arrays of numpy, which `import effbench` does not wait for
    from effbench.api.encoders import Positions as Positions
    from effbench.api.encoders import Vectors as Vectors

__all__ = [
    "ABOUT",
    "READER",
    "Countable",
    "CountingQueryEncoder",
    "DataPath",
    "Dataset",
    "Doc",
    "DocPair",
    "Domain",
    "DomainModels",
    "EffbenchError",
    "EncodedTexts",
    "Encoder",
    "Examples",
    "Exported",
    "IncrementalQueryEncoder",
    "Index",
    "ModelId",
    "NoDataError",
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
    "StagedQueryEncoder",
    "TrainedModel",
    "Trainer",
    "VectorSource",
    "hookimpl",
    "tell_steps",
]
