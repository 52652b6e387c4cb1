"""The kinds of plugins, and which parts of the contract belong to each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Kind(NamedTuple):
    """The names of all that an author of a kind must know, or can know."""

    section: str
    """The section of a suite whose rows use such an offer."""

    hook: str
    contract: tuple[str, ...]
    """The protocols of which the class fits one; the first is the usual one."""

    besides: tuple[str, ...] = ()
    """Protocols that the class may fit besides."""

    gets: tuple[str, ...] = ()
    """Data that the methods get or return."""

    attributes: tuple[str, ...] = ("version", "requires", "check")
    """Members of `Attributes` that mean something for this kind."""

    options: tuple[str, ...] = ()
    """Types for options that mean something for this kind."""

    optional: tuple[str, ...] = ()
    """Members of the protocol that the class may leave out."""


ROWS = ("Searcher", "Encoder", "EncodedCorpus")
"""Types for options that name a row, which the factory gets live."""

KINDS: Mapping[str, Kind] = {
    "encoder": Kind(
        "encoders",
        "effbench_encoders",
        ("Encoder", "QueryEncoder"),
        ("Described", "Spelling", "IncrementalQueryEncoder", "Exported"),
        (
            "Doc",
            "Vectors",
            "SparseVectors",
            "TokenVectors",
            "Description",
            "tell_encoded",
            "READER",
        ),
        ("version", "requires", "check", "makes", "takes", "latency", "by_id", "passages_only"),
        ("ModelId", "TrainedModel", *ROWS, "QueryOnly", "SpeedOnly"),
    ),
    "index": Kind(
        "indexes",
        "effbench_indexes",
        ("Index",),
        ("Saved",),
        ("VectorSource", "Vectors", "SparseVectors", "TokenVectors", "Positions"),
        ("version", "requires", "check", "takes", "exact"),
        ("SpeedOnly",),
        optional=("nbytes",),
    ),
    "retriever": Kind(
        "retrievers",
        "effbench_retrievers",
        ("Retriever",),
        ("Saved",),
        ("Doc", "ScoredDoc"),
        ("version", "requires", "check", "takes", "latency"),
        (*ROWS, "ModelId", "TrainedModel", "QueryOnly", "SpeedOnly"),
        ("nbytes",),
    ),
    "dataset": Kind(
        "datasets",
        "effbench_datasets",
        ("Dataset",),
        ("Noted", "Countable", "Paired", "Split"),
        ("Doc", "Query", "Qrel", "DocPair", "NoDataError"),
        options=("DataPath", "Dataset"),
        optional=("drop_self_hits", "docs_count"),
    ),
    "trainer": Kind(
        "models",
        "effbench_trainers",
        ("Trainer",),
        (),
        ("ABOUT", "tell_steps", "VectorSource", "Doc", "Qrel", "ScoredDoc", "Vectors"),
        ("version", "requires", "check", "takes", "together"),
        (
            "EncodedTexts",
            "Examples",
            "SearchedDataset",
            "TrainedModel",
            "DomainModels",
            "Domain",
            "ModelId",
            "Dataset",
            *ROWS,
            "SpeedOnly",
        ),
    ),
}
"""The name of a kind, as ``effbench plugins KIND`` takes it -> its parts."""
