"""The options of the trainers, by what they decide."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Start(NamedTuple):
    """What training begins with, and how texts become vectors."""

    backbone: str | None
    revision: str | None
    prompt: Path | None
    length: int
    tied: bool
    pooling: str
    normalize: bool
    query_max_length: int
    max_length: int


class Objective(NamedTuple):
    """What the loss compares, and how tasks are mixed."""

    negatives: int
    temperature: float
    shared_negatives: bool
    mixture: str
    batches: str


class Choice(NamedTuple):
    """How sources are chosen and weighed."""

    similarity: str
    top: int | None
    temperature: float
    weights: str
