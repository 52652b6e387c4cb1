"""Every time that a session took, in one columnar file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from zipfile import BadZipFile

from effbench import shapes
from effbench.errors import EffbenchError
from effbench.files import write_atomically
from effbench.latency.agreement import Answers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT = 1
COLUMNS = {
    "row": "u2",
    "span": "u2",
    "process": "u2",
    "block": "u2",
    "query": "u4",
    "ns": "i8",
}
"""Column -> numpy type: which row, span, process of the row, block and query, and how long."""


class Block(NamedTuple):
    """A few queries of one row, one after the other, between two calibrations."""

    row: int
    process: int
    block: int
    attempt: int
    """How often it was measured anew, since the machine was not steady."""

    kernel_ns: tuple[int, int]
    """What the calibrations before and after it took."""

    stolen: float
    """Share of the processors that other virtual machines took."""

    throttled: int
    """Times that the processor slowed itself down."""

    preempted: int
    """Times that the system took the processor away from the worker."""

    others: float = 0.0
    """Cores that other processes kept busy during the round that it was in."""


@dataclass
class Samples:
    """A session: what it was made of, and every time it took."""

    header: dict[str, Any]
    """Rows, spans, queries, conditions, machine, processes, errors: docs/records.md."""

    columns: dict[str, list[int]] = field(default_factory=lambda: {n: [] for n in COLUMNS})
    blocks: list[Block] = field(default_factory=list)
    answers: Answers = field(default_factory=Answers)
    """What the timed queries were answered: compared with the quality pass, not written."""

    def add(self, row: int, span: str, process: int, block: int, queries: Sequence[int],
            times: Sequence[int]) -> None:  # fmt: skip
        """Take the times of some queries."""
        spans = self.header["spans"]
        if span not in spans:
            spans.append(span)
        count = len(times)
        for name, values in (
            ("row", [row] * count),
            ("span", [spans.index(span)] * count),
            ("process", [process] * count),
            ("block", [block] * count),
            ("query", queries),
            ("ns", times),
        ):
            self.columns[name].extend(values)

    def forget(self, row: int, first: int) -> None:
        """Forget what was measured of a row in its process ``first`` and later ones."""
        pairs = zip(self.columns["row"], self.columns["process"], strict=True)
        kept = [place for place, (of, n) in enumerate(pairs) if of != row or n < first]
        self.columns = {
            name: [values[place] for place in kept] for name, values in self.columns.items()
        }
        self.blocks = [one for one in self.blocks if one.row != row or one.process < first]

    def mean_ns(self, row: int, span: str, process: int) -> float:
        """Return the mean of a span's times so far in a process of a row."""
        wanted = (row, self.header["spans"].index(span), process)
        found = zip(*(self.columns[name] for name in ("row", "span", "process")), strict=True)
        pairs = zip(found, self.columns["ns"], strict=True)
        return fmean(ns for of, ns in pairs if of == wanted)

    def write(self, path: Path) -> None:
        """Write the file, atomically."""
        import numpy as np

        arrays = {
            name: np.array(self.columns[name], dtype=kind) for name, kind in COLUMNS.items()
        }
        header = {"format": FORMAT, **self.header, "blocks": self.blocks}
        # whatever a driver or an environment said: what was measured must not be lost for it
        spelled = json.dumps(header, ensure_ascii=False, default=str).encode(errors="replace")
        text = np.frombuffer(spelled, dtype=np.uint8)

        def save(temporary: Path) -> None:
            with temporary.open("wb") as file:  # a name without .npz would get one
                np.savez_compressed(file, allow_pickle=False, header=text, **arrays)

        write_atomically(path, save)


Times: TypeAlias = "Mapping[int, NDArray[np.int64]]"
"""Process -> array [n, 3] of block, query, nanoseconds."""


class Read(NamedTuple):
    """A session as it is read."""

    header: Mapping[str, Any]
    columns: Mapping[str, NDArray[np.int64]]
    blocks: Sequence[Block]

    @property
    def cells(self) -> list[str]:
        """Return the names of the cells that it measured."""
        return list(self.header["rows"])

    @property
    def rounds(self) -> int:
        """Return the processes that every cell had that did not fail."""
        count = Counter(one["cell"] for one in self.header["processes"])
        return min((count[c] for c in self.cells if c not in self.header["errors"]), default=0)

    def blocks_of(self, cell: str) -> list[Block]:
        """Return a cell's blocks."""
        number = self.cells.index(cell)
        return [block for block in self.blocks if block.row == number]

    def times(self, cell: str, span: str) -> Times:
        """Return what a span of a cell took; empty where it was not measured."""
        import numpy as np

        if cell not in self.cells or span not in self.header["spans"]:
            return {}
        mine = (self.columns["row"] == self.cells.index(cell)) & (
            self.columns["span"] == self.header["spans"].index(span)
        )
        found = {}
        for process in np.unique(self.columns["process"][mine]):
            one = mine & (self.columns["process"] == process)
            named = (self.columns[name][one] for name in ("block", "query", "ns"))
            found[int(process)] = np.stack(list(named), axis=1)
        return found


def read_samples(path: Path) -> Read:
    """Read a session.

    Raises:
        EffbenchError: it is missing, cut off, foreign or of a newer format.

    """
    import numpy as np

    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            damaged = file.zip.testzip()  # numpy reads no further than a header says
            if damaged:
                raise BadZipFile(f"{damaged} is damaged")
            header = json.loads(file["header"].tobytes())
            columns = {name: file[name].astype(np.int64) for name in COLUMNS}
    except Exception as error:  # numpy and zipfile raise what they like at damaged bytes
        raise EffbenchError(
            f"{path}: no session: {error} (delete it, and measure anew: effbench latency SUITE)"
        ) from error
    shapes.check(header, {"format": shapes.number}, path)
    if header["format"] > FORMAT:
        raise EffbenchError(f"{path}: a session of a newer effbench (upgrade effbench)")
    shapes.check(header, shapes.SESSION, path)
    if len({values.shape for values in columns.values()}) > 1 or columns["ns"].ndim != 1:
        raise EffbenchError(f"{path}: no session (its columns are not of one length)")
    return Read(header, columns, list(_blocks(header["blocks"])))


def _blocks(rows: Sequence[Sequence[Any]]) -> Iterator[Block]:
    for row, process, block, attempt, kernel, *others in rows:
        yield Block(row, process, block, attempt, (kernel[0], kernel[1]), *others)
