"""The public face of effbench: the contracts that a plugin implements, and its errors.

A plugin imports this module, `effbench.files` and `effbench.commands`, and nothing else of
effbench.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from effbench.api.encoders import (
    READER,
    Countable,
    DataPath,
    Dataset,
    Described,
    Description,
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
from effbench.api.errors import EffbenchError, NoDataError
from effbench.api.hookspecs import CONTRACT, hookimpl
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

if TYPE_CHECKING:  # these are arrays of numpy, and `import effbench` does not load numpy
    from effbench.api.encoders import Positions as Positions
    from effbench.api.encoders import Vectors as Vectors

__all__ = [
    "ABOUT",
    "CONTRACT",
    "READER",
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
    "TrainedModel",
    "Trainer",
    "VectorSource",
    "hookimpl",
    "tell_steps",
]
