"""Every time that a session took, in one columnar file."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from effbench.api.errors import DiskError, EffbenchError
from effbench.latency import archive
from effbench.latency.agreement import Answers
from effbench.latency.recorded import COLUMNS, FORMAT, Block, Header
from effbench.store.disk import write_atomically
from effbench.text.names import slug
from effbench.text.printing import one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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

        columns = {**self.columns, "ns": [max(ns, 1) for ns in self.columns["ns"]]}
        arrays: dict[str, Any] = {
            name: np.array(columns[name], dtype=kind) for name, kind in COLUMNS.items()
        }
        header = {"format": FORMAT, **self.header, "blocks": self.blocks}
        header["errors"] = {cell: one_line(why) for cell, why in header["errors"].items()}
        header["warnings"] = [one_line(warning) for warning in header["warnings"]]
        # whatever a driver or an environment said: what was measured must not be lost for it
        spelled = json.dumps(header, ensure_ascii=False, default=str).encode(errors="replace")
        strict = msgspec.json.encode(json.loads(spelled))  # what is no finite number is null
        text = np.frombuffer(strict, dtype=np.uint8)

        def save(temporary: Path) -> None:
            with temporary.open("wb") as file:  # a name without .npz would get one
                # without allow_pickle: numpy 1.26 would write it as one more array
                np.savez_compressed(file, header=text, **arrays)

        write_atomically(path, save)


Times: TypeAlias = "Mapping[int, NDArray[np.int64]]"
"""Process -> array [n, 3] of block, query, nanoseconds."""


class Read(NamedTuple):
    """A session as it is read."""

    header: Header
    columns: Mapping[str, NDArray[np.int64]]
    blocks: Sequence[Block]

    @property
    def cells(self) -> list[str]:
        """Return the names of the cells that it measured."""
        return list(self.header.rows)

    @property
    def rounds(self) -> int:
        """Return the processes that every cell had that did not fail."""
        count = Counter(one.cell for one in self.header.processes)
        return min((count[c] for c in self.cells if c not in self.header.errors), default=0)

    def blocks_of(self, cell: str) -> list[Block]:
        """Return a cell's blocks."""
        number = self.cells.index(cell)
        return [block for block in self.blocks if block.row == number]

    def times(self, cell: str, span: str) -> Times:
        """Return what a span of a cell took; empty where it was not measured."""
        import numpy as np

        if cell not in self.cells or span not in self.header.spans:
            return {}
        mine = (self.columns["row"] == self.cells.index(cell)) & (
            self.columns["span"] == self.header.spans.index(span)
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
        EffbenchError: as `archive.read`.

    """
    header, columns = archive.read(path)
    return Read(header, columns, header.blocks)


FOLDER = "latency"


def write(folder: Path, samples: Samples) -> Path:
    """Keep a session in a suite's results folder, beside older ones.

    Raises:
        EffbenchError: it cannot be kept there; the message says where it is.

    """
    started = "".join(c for c in samples.header["started"] if c.isalnum())
    path = folder / FOLDER / f"{slug(samples.header['dataset'])}--{started}.npz"
    try:
        samples.write(path)
    except DiskError as trouble:  # it may have taken hours
        elsewhere = Path(tempfile.mkdtemp(prefix="effbench-"), path.name)
        samples.write(elsewhere)
        raise EffbenchError(
            f"{trouble}; what was measured is in {elsewhere} (move it to {path})"
        ) from trouble
    return path
