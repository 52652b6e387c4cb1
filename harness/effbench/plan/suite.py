"""Suites as plain data: a file's entries, the options of latency, the search for a file."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from effbench.api.errors import EffbenchError
from effbench.plan.located import Place
from effbench.text.suggestions import near, suggest
from effbench.text.words import plain_line
from effbench.work.rows import FLOAT32


@dataclass(frozen=True)
class Entry:
    """A named use of an offer, such as ``minilm: {use: transformer, model: ...}``."""

    section: str
    name: str
    use: str
    options: Mapping[str, Any]
    place: Place
    group: str | None = None
    passages: str | None = None
    unchecked: bool = False
    store: str = FLOAT32
    search: Mapping[str, list[Any]] = field(default_factory=dict)
    seed: int = 0
    family: str = ""
    """The name of the row in the suite, which is also ``name`` unless the row is swept."""

    settings: Mapping[str, str] = field(default_factory=dict)
    """Swept option -> the label of its value in this entry."""

    plugin: str | None = None
    """The plugin of a ready row; None for a row of the suite."""


Count: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]


@dataclass(frozen=True)
class LatencyOptions:
    """The options of latency sessions (docs/latency.md)."""

    queries: Count = 300
    warmup: Count = 50
    threads: Annotated[int, Meta(ge=1, le=4096)] = 1
    processes: Annotated[int, Meta(ge=1, le=1000)] = 5
    """New processes for each row; take 10 to publish."""

    baseline: str | None = None
    """The encoder row with which speed is compared; if not given, the first encoder row."""

    batches: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65_536)], ...], Meta(max_length=99)
    ] = (32,)
    """Batch sizes for which throughput is measured."""

    arrivals: Annotated[
        tuple[Annotated[float, Meta(ge=0.001, le=1)], ...], Meta(max_length=99)
    ] = ()
    """Open loops: queries arrive at these shares of the closed loop's rate."""

    energy: bool = False
    """Whether joules are measured, if the machine has counters."""

    together: Annotated[int, Meta(ge=2, le=1000)] | None = None
    """Rows in memory at a time, with the baseline; if not given, as many as fit."""

    timeout: Count = 300
    """Most seconds that an answer of a worker may take."""


@dataclass(frozen=True)
class Expected:
    """Published scores to compare with: measure -> row -> dataset or group -> value."""

    scores: Mapping[str, Mapping[str, Mapping[str, float]]]
    tolerance: float = 0.001


@dataclass(frozen=True)
class Suite:
    """The content of a suite file, before offers and rows are looked up."""

    path: Path
    text: str
    """The text of the file; a plan that is made from it again is of the same suite."""

    name: str
    datasets: tuple[Entry, ...]
    measures: tuple[str, ...]
    k: int
    models: tuple[Entry, ...]
    encoders: tuple[Entry, ...]
    retrievers: tuple[Entry, ...]
    indexes: tuple[Entry, ...]
    every: frozenset[str]
    """The sections that take the ready rows of all plugins beside the suite's rows."""

    latency: LatencyOptions | None
    expected: Expected

    def entries(self, section: str) -> tuple[Entry, ...]:
        """Return the entries of a section of rows, in the order of the file."""
        entries: tuple[Entry, ...] = getattr(self, section)
        return entries


def find(name_or_path: str) -> Path:
    """Return the path of a suite file, from its path or the name of a suite of effbench.

    Raises:
        EffbenchError: there is no such file.

    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    shipped = [
        Path(str(importlib.resources.files("effbench"))) / "suites",
        Path(__file__).parents[3] / "suites",  # an editable install has them at the top
    ]
    for folder in shipped:
        if (folder / f"{name_or_path}.yaml").is_file():
            return folder / f"{name_or_path}.yaml"
    names = {file.stem for folder in shipped for file in folder.glob("*.yaml")}
    shown = plain_line(name_or_path) or "''"
    if path.exists():
        raise EffbenchError(f"{shown}: is no file (a suite is a YAML file)")
    like = near(path.name, _beside(path))
    hint = f"did you mean {path.with_name(like)}?" if like else suggest(name_or_path, names)
    raise EffbenchError(f"{shown}: no such suite file ({hint})")


def _beside(path: Path) -> list[str]:
    """Return the names of the YAML files beside a path that a message can show."""
    try:
        files = [
            file.name for file in path.parent.iterdir() if file.suffix in (".yaml", ".yml")
        ]
    except (OSError, ValueError):  # there is no such folder
        return []
    return sorted(name for name in files if plain_line(name) == name)
