"""What a suite file says, before any name in it is looked up, and where suites are found."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from effbench.errors import EffbenchError
from effbench.located import Place
from effbench.plugins import suggest


@dataclass(frozen=True)
class Entry:
    """A named use of an offer: ``minilm: {use: transformer, model: ...}``."""

    section: str
    name: str
    use: str
    options: Mapping[str, Any]
    place: Place
    group: str | None = None
    passages: str | None = None
    unchecked: bool = False
    search: Mapping[str, list[Any]] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True)
class LatencyOptions:
    """How the latency pass measures: batch 1, ``queries`` of a dataset, after ``warmup``."""

    queries: int = 300
    warmup: int = 20
    threads: int = 1


@dataclass(frozen=True)
class Expected:
    """Published scores to be held against: measure -> row -> dataset or group -> value."""

    scores: Mapping[str, Mapping[str, Mapping[str, float]]]
    tolerance: float = 0.001


@dataclass(frozen=True)
class Suite:
    """What a suite file says, before names are looked up."""

    path: Path
    name: str
    datasets: tuple[Entry, ...]
    measures: tuple[str, ...]
    k: int
    models: tuple[Entry, ...]
    encoders: tuple[Entry, ...]
    retrievers: tuple[Entry, ...]
    indexes: tuple[Entry, ...]
    every: frozenset[str]
    latency: LatencyOptions | None
    expected: Expected


def find(name_or_path: str) -> Path:
    """Return the path of a suite file: a path, or the name of a suite that we ship."""
    path = Path(name_or_path)
    if path.is_file():
        return path
    shipped = [
        Path(str(importlib.resources.files("effbench"))) / "suites",
        Path(__file__).parents[2] / "suites",  # an editable install has them at the top
    ]
    for folder in shipped:
        if (folder / f"{name_or_path}.yaml").is_file():
            return folder / f"{name_or_path}.yaml"
    names = {file.stem for folder in shipped for file in folder.glob("*.yaml")}
    raise EffbenchError(f"{name_or_path}: no such suite file ({suggest(name_or_path, names)})")
