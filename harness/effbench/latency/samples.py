"""The file of a session: every single time that was measured, in columns."""

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
from effbench.store.disk import SEAL, write_atomically
from effbench.text.names import slug
from effbench.text.printing import one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass
class Recording:
    """A session while it is being measured: its header, and every time so far."""

    header: dict[str, Any]
    """Rows, spans, queries, conditions, machine, processes and errors: docs/records.md."""

    columns: dict[str, list[int]] = field(default_factory=lambda: {n: [] for n in COLUMNS})
    blocks: list[Block] = field(default_factory=list)
    answers: Answers = field(default_factory=Answers)
    """The answers to timed queries. They are compared with the quality pass, not written."""

    def add(self, row: int, span: str, process: int, block: int, queries: Sequence[int],
            times: Sequence[int]) -> None:  # fmt: skip
        """Take the times (ns) of some queries, which are given by their numbers."""
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
        """Forget the times and blocks of a row in its process ``first`` and in later ones."""
        pairs = zip(self.columns["row"], self.columns["process"], strict=True)
        kept = [at for at, (number, n) in enumerate(pairs) if number != row or n < first]
        self.columns = {
            name: [values[at] for at in kept] for name, values in self.columns.items()
        }
        self.blocks = [
            block for block in self.blocks if block.row != row or block.process < first
        ]

    def mean_ns(self, row: int, span: str, process: int) -> float:
        """Return the mean of a span's times so far in a process of a row."""
        wanted = (row, self.header["spans"].index(span), process)
        columns = (self.columns[name] for name in ("row", "span", "process", "ns"))
        return fmean(ns for *timed, ns in zip(*columns, strict=True) if tuple(timed) == wanted)

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
        # the machine's facts may hold odd values: the times must not be lost for them
        lenient = json.dumps(header, ensure_ascii=False, default=str).encode(errors="replace")
        strict = json.loads(msgspec.json.encode(json.loads(lenient)))  # NaN becomes null
        sealed = {**strict, SEAL: archive.checksum(strict, arrays)}
        text = np.frombuffer(msgspec.json.encode(sealed), dtype=np.uint8)

        def save(temporary: Path) -> None:
            with temporary.open("wb") as file:  # numpy adds .npz to a name that lacks it
                # numpy before 2.2 would write allow_pickle as one more array
                np.savez_compressed(file, header=text, **arrays)

        write_atomically(path, save)


Times: TypeAlias = "Mapping[int, NDArray[np.int64]]"
"""Process -> array [n, 3] of block, query, nanoseconds."""


class Session(NamedTuple):
    """A session as its file holds it."""

    header: Header
    columns: Mapping[str, NDArray[np.int64]]
    blocks: Sequence[Block]

    @property
    def cells(self) -> list[str]:
        """Return the names of the session's cells."""
        return list(self.header.rows)

    @property
    def rounds(self) -> int:
        """Return how many processes each cell had at least; failed cells do not count."""
        count = Counter(facts.cell for facts in self.header.processes)
        return min((count[c] for c in self.cells if c not in self.header.errors), default=0)

    def blocks_of(self, cell: str) -> list[Block]:
        """Return a cell's blocks."""
        number = self.cells.index(cell)
        return [block for block in self.blocks if block.row == number]

    def times(self, cell: str, span: str) -> Times:
        """Return the times of a span of a cell; an empty mapping if it was not measured."""
        import numpy as np

        if cell not in self.cells or span not in self.header.spans:
            return {}
        of_span = (self.columns["row"] == self.cells.index(cell)) & (
            self.columns["span"] == self.header.spans.index(span)
        )
        times = {}
        for process in np.unique(self.columns["process"][of_span]):
            chosen = of_span & (self.columns["process"] == process)
            columns = [self.columns[name][chosen] for name in ("block", "query", "ns")]
            times[int(process)] = np.stack(columns, axis=1)
        return times


def read_session(path: Path) -> Session:
    """Read the file of a session.

    Raises:
        EffbenchError: as `archive.read`.

    """
    header, columns = archive.read(path)
    return Session(header, columns, header.blocks)


FOLDER = "latency"
"""The folder of sessions in a suite's results folder."""


def write(folder: Path, recording: Recording) -> Path:
    """Write a session into a suite's results folder, beside older sessions; return its file.

    Raises:
        EffbenchError: the file cannot be written there; the message says where it is instead.

    """
    started = "".join(c for c in recording.header["started"] if c.isalnum())
    path = folder / FOLDER / f"{slug(recording.header['dataset'])}--{started}.npz"
    try:
        recording.write(path)
    except DiskError as trouble:  # the session may have taken hours
        elsewhere = Path(tempfile.mkdtemp(prefix="effbench-"), path.name)
        recording.write(elsewhere)
        raise EffbenchError(
            f"{trouble}; what was measured is in {elsewhere} (move it to {path})"
        ) from trouble
    return path
