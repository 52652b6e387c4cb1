"""Which latency sessions of a results folder count: one for each dataset, all comparable."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from effbench.api.errors import DiskError, EffbenchError
from effbench.latency.samples import FOLDER, Session, read_session
from effbench.machine import fingerprint
from effbench.statistics.row_latency import RowLatency
from effbench.store.disk import listed
from effbench.text.printing import one_line


class Criteria(NamedTuple):
    """The cells and the conditions that a session should have measured."""

    keys: Mapping[str, Mapping[str, str]]
    """Dataset -> cell -> key of its record."""

    latency_keys: Mapping[str, str]
    """Cell -> a key that changes with its options of speed too, if the suite has it."""

    conditions: Mapping[str, Any]
    """The conditions that the suite sets."""

    processes: int
    """How many processes each cell should have."""

    def is_current(self, session: Session, cell: str) -> bool:
        """Tell whether a session measured a cell as the cell is now."""
        facts = session.header.rows.get(cell)
        key = self.keys.get(session.header.dataset, {}).get(cell)
        return (
            facts is not None
            and facts.key == key
            and facts.latency_key == self.latency_keys.get(cell, facts.latency_key)
            and cell not in session.header.errors
        )

    def rank(self, session: Session) -> tuple[int, bool, datetime]:
        """Return a value that is larger for a better session.

        It says how many cells the session measured as they are now, whether it is complete
        and under the suite's conditions, and when it started.
        """
        header = session.header
        complete = session.rounds >= self.processes and all(
            header.conditions.get(name) == value
            for name, value in self.conditions.items()
            if name != "device"
        )
        count = sum(self.is_current(session, cell) for cell in session.cells)
        return count, complete, header.started


class Sessions:
    """The sessions that count in a suite's results folders: at most one for each dataset.

    For a dataset we take the session with the most cells as they are now; among equals a
    complete one under the suite's conditions; among equals the newest one. So a column never
    mixes figures of two sessions of a dataset. A dataset is left out, with a remark, if its
    session ran under other conditions or on another machine than the newest session.
    """

    def __init__(self, folders: Iterable[Path], criteria: Criteria) -> None:
        """Read the sessions in the suite's folders."""
        self.remarks: list[str] = []
        self.unreadable: list[str] = []
        self._criteria = criteria
        by_dataset: dict[str, list[Session]] = {}
        for session in self._read(folders):
            if criteria.keys.get(session.header.dataset):
                by_dataset.setdefault(session.header.dataset, []).append(session)
        best = [max(sessions, key=criteria.rank) for sessions in by_dataset.values()]
        best.sort(key=lambda session: session.header.started)
        self._by_dataset = {
            session.header.dataset: session
            for session in best
            if self._is_comparable(session, best[-1])
        }
        for session in best:
            for cell, error in session.header.errors.items():
                self.remarks.append(f"{cell}: latency: FAILED: {error}")

    def row_latency(self, cells: Mapping[str, str]) -> RowLatency:
        """Return the latency of a row, given as dataset -> cell.

        The result is empty unless all the cells were measured as they are now.
        """
        measured = []
        for dataset, cell in sorted(cells.items()):
            session = self._by_dataset.get(dataset)
            if session is None or not self._criteria.is_current(session, cell):
                return RowLatency([])
            measured.append((session, cell))
        return RowLatency(measured)

    def _read(self, folders: Iterable[Path]) -> Iterator[Session]:
        for path in self._paths(folders):
            try:
                yield read_session(path)
            except EffbenchError as error:
                self.unreadable.append(one_line(str(error)))

    def _paths(self, folders: Iterable[Path]) -> list[Path]:
        paths = list[Path]()
        for folder in (results / FOLDER for results in folders):
            try:
                os.scandir(folder).close()
            except FileNotFoundError:
                continue
            except OSError as error:
                self.unreadable.append(one_line(str(DiskError(folder, error))))
            paths += listed(folder, "*.npz")
        return sorted(paths)

    def _is_comparable(self, session: Session, newest: Session) -> bool:
        """Tell whether two sessions had the same conditions and machine; remark if not."""
        header, reference = session.header, newest.header
        for part in ("conditions", "fingerprint"):
            unlike = fingerprint.differences(getattr(header, part), getattr(reference, part))
            if unlike:
                self.remarks.append(
                    f"latency on {header.dataset} is left out, since its {part} is not that of "
                    f"{reference.dataset}: {'; '.join(unlike)} (measure both anew)"
                )
                return False
        return True
