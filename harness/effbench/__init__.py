"""The public face of effbench: the contracts that a plugin implements, and its errors.

A plugin imports this module, `effbench.files` and `effbench.commands`, and nothing else of
effbench.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from effbench.api.encoders import (
    READER,
    Attributes,
    Countable,
    DataPath,
    Dataset,
    Described,
    Description,
    Doc,
    DocPair,
    Encoder,
    Exported,
    Factory,
    IncrementalQueryEncoder,
    Index,
    ModelId,
    Noted,
    Paired,
    Qrel,
    Query,
    QueryEncoder,
    QueryOnly,
    Retriever,
    Saved,
    ScoredDoc,
    SpeedOnly,
    Spelling,
    Split,
    VectorSource,
)
from effbench.api.errors import EffbenchError, NoDataError
from effbench.api.hookspecs import CONTRACT, hookimpl
from effbench.api.live import EncodedCorpus, Searcher
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
from effbench.work.progress import tell_encoded, tell_steps

if TYPE_CHECKING:  # `import effbench` does not wait for numpy
    from effbench.api.arrays import Positions, SparseVectors, TokenVectors, Vectors

__all__ = [
    "ABOUT",
    "CONTRACT",
    "READER",
    "Attributes",
    "Countable",
    "DataPath",
    "Dataset",
    "Described",
    "Description",
    "Doc",
    "DocPair",
    "Domain",
    "DomainModels",
    "EffbenchError",
    "EncodedCorpus",
    "EncodedTexts",
    "Encoder",
    "Examples",
    "Exported",
    "Factory",
    "IncrementalQueryEncoder",
    "Index",
    "ModelId",
    "NoDataError",
    "Noted",
    "Paired",
    "Positions",
    "Qrel",
    "Query",
    "QueryEncoder",
    "QueryOnly",
    "Retriever",
    "Saved",
    "ScoredDoc",
    "SearchedDataset",
    "Searcher",
    "SparseVectors",
    "SpeedOnly",
    "Spelling",
    "Split",
    "TokenVectors",
    "TrainedModel",
    "Trainer",
    "VectorSource",
    "Vectors",
    "hookimpl",
    "tell_encoded",
    "tell_steps",
]


def __getattr__(name: str) -> Any:
    """Return a type of arrays, which needs numpy, when somebody asks for it."""
    if name in ("Positions", "SparseVectors", "TokenVectors", "Vectors"):
        from effbench.api import arrays

        return getattr(arrays, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
