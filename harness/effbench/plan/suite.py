"""What a suite file says, before any name in it is looked up, and where suites are found."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from effbench.api.errors import EffbenchError
from effbench.plan.located import Place
from effbench.text.suggestions import near, suggest
from effbench.text.words import plain_line


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


Count: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]


@dataclass(frozen=True)
class LatencyOptions:
    """How a latency session measures (docs/latency.md)."""

    queries: Count = 300
    warmup: Count = 50
    threads: Annotated[int, Meta(ge=1, le=4096)] = 1
    processes: Annotated[int, Meta(ge=1, le=1000)] = 5
    """Fresh ones of each row; 10 to publish."""

    baseline: str | None = None
    """The encoder row that others' speed is compared with; the first one if not given."""

    batches: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65_536)], ...], Meta(max_length=99)
    ] = (32,)
    """Batch sizes of which throughput is measured."""

    arrivals: Annotated[
        tuple[Annotated[float, Meta(ge=0.001, le=1)], ...], Meta(max_length=99)
    ] = ()
    """Open loops: shares of the closed loop's rate at which queries arrive."""

    energy: bool = False
    """Whether joules are read, where the machine has counters."""

    together: Annotated[int, Meta(ge=2, le=1000)] | None = None
    """Rows that are in memory at a time, the baseline always; as many as fit if not given."""

    timeout: Count = 300
    """Seconds that an answer of a worker may take."""


@dataclass(frozen=True)
class Expected:
    """Published scores to be held against: measure -> row -> dataset or group -> value."""

    scores: Mapping[str, Mapping[str, Mapping[str, float]]]
    tolerance: float = 0.001


@dataclass(frozen=True)
class Suite:
    """What a suite file says, before names are looked up."""

    path: Path
    text: str
    """The file as it was read: what is planned from it once more is the same suite."""

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

    @cached_property
    def rows(self) -> Mapping[tuple[str, str], Entry]:
        """(Section, name) -> the row that stands there, in the file's order."""
        entries = (*self.models, *self.encoders, *self.retrievers, *self.indexes)
        return {(entry.section, entry.name): entry for entry in entries}


def find(name_or_path: str) -> Path:
    """Return the path of a suite file: a path, or the name of a suite that we ship."""
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
    said = plain_line(name_or_path) or "''"
    if path.exists():
        raise EffbenchError(f"{said}: is no file (a suite is a YAML file)")
    like = near(path.name, _beside(path))
    hint = f"did you mean {path.with_name(like)}?" if like else suggest(name_or_path, names)
    raise EffbenchError(f"{said}: no such suite file ({hint})")


def _beside(path: Path) -> list[str]:
    """Return the names of the YAML files in a path's folder that a message can show."""
    try:
        files = [
            file.name for file in path.parent.iterdir() if file.suffix in (".yaml", ".yml")
        ]
    except (OSError, ValueError):  # there is no such folder
        return []
    return sorted(name for name in files if plain_line(name) == name)
