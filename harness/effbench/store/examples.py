"""Training examples on disk: lists of positions and docs, read when they are needed."""

from __future__ import annotations

import json
import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench.api.encoders import Doc
from effbench.store.disk import save_array

if TYPE_CHECKING:
    from effbench.store.artifacts import Artifact

QUERIES, DOCS, PLACES = "queries.json", "docs.jsonl", "places.npy"
POSITIVES, NEGATIVES = "positives", "negatives"


def put_lists(artifact: Artifact, name: str, lists: Sequence[Sequence[int]]) -> None:
    """Keep lists of numbers as two arrays: all numbers (int32), all ends of lists (int64)."""
    import numpy as np

    joined = np.fromiter((n for numbers in lists for n in numbers), dtype=np.int32)
    ends = np.cumsum([len(numbers) for numbers in lists], dtype=np.int64)
    artifact.put(f"{name}.npy", lambda path: save_array(path, joined))
    artifact.put(f"{name}-ends.npy", lambda path: save_array(path, ends))


class Lists(Sequence[Sequence[int]]):
    """Lists of numbers that `put_lists` wrote, memory-mapped."""

    def __init__(self, folder: Path, name: str) -> None:
        import numpy as np

        self._numbers = np.load(folder / f"{name}.npy", mmap_mode="r")
        self._ends = np.load(folder / f"{name}-ends.npy", mmap_mode="r")

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, position: Any) -> Any:
        start = self._ends[position - 1] if position else 0
        return self._numbers[start : self._ends[position]]


class Docs(Sequence[Doc]):
    """The docs of examples; each access reads a doc from disk."""

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self.places = np.load(folder / PLACES, mmap_mode="r")
        with (folder / DOCS).open("rb") as file:
            self._lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, position: Any) -> Any:
        start = int(self.places[position, 0])
        return Doc(*json.loads(self._lines[start : self._lines.find(b"\n", start)]))


class Gathered(NamedTuple):
    """The files of the step `GatherExamples`, opened."""

    queries: list[str]
    positives: Lists
    negatives: Lists
    docs: Docs


def read_examples(folder: Path) -> Gathered:
    """Open the folder of a finished step `GatherExamples`."""
    queries = json.loads((folder / QUERIES).read_text(encoding="utf-8"))
    return Gathered(queries, Lists(folder, POSITIVES), Lists(folder, NEGATIVES), Docs(folder))
