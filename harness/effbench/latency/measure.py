"""The latency pass of a run: one session for each dataset, unless a fitting one is on disk."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from effbench.api.errors import EffbenchError
from effbench.latency.alone import exclusive
from effbench.latency.cell_source import CellSource
from effbench.latency.header import row_facts
from effbench.latency.recorded import RowFacts
from effbench.latency.samples import FOLDER, Recording, Session, read_session, write
from effbench.latency.session import measure_session
from effbench.latency.spans import END_TO_END
from effbench.latency.terms import conditions
from effbench.latency.workers import worker_cpus
from effbench.machine import fingerprint
from effbench.plan.cells import Cell, Plan
from effbench.steps.data import queries_of
from effbench.store.disk import listed
from effbench.store.paths import check_writable
from effbench.text.printing import one_line
from effbench.text.raised import message_of
from effbench.work import code
from effbench.work.failures import StepFailed
from effbench.work.workbench import Workbench

if TYPE_CHECKING:
    from effbench.plan.suite import LatencyOptions


log = logging.getLogger(__name__)

EARLIER = "failed in an earlier run, not tried again; to try: effbench latency SUITE"


class DatasetLatency(NamedTuple):
    """The session that holds the latencies of a dataset's cells."""

    path: Path | None
    """The session's file; None when no cell could be measured."""

    cells: Sequence[Cell]
    errors: dict[str, str]
    """Cell -> why it could not be measured."""

    new: bool
    """Whether it was measured now; else it was on disk."""


def measure_latency(
    cells: Sequence[Cell],
    plan: Plan,
    bench: Workbench,
    folder: Path,
    options: LatencyOptions,
    *,
    anew: bool,
    keep: Callable[[DatasetLatency], None],
) -> None:
    """Measure the latency of cells in a suite's results ``folder``, a session for each dataset.

    A session on disk is taken instead if it measured all cells of the dataset as they are now,
    under these conditions, on this machine. With ``anew``, sessions on disk are not looked at.

    ``keep`` is called for each dataset as soon as it is done, also when its session failed. The
    next datasets are measured then all the same.
    """
    options = replace(options, baseline=plan.baseline)
    source = CellSource(plan, bench.store.root, bench.device)
    known = None if anew else _KnownSessions(folder, options, bench)
    for group in _by_dataset(cells).values():
        try:
            latency = known and known.of(group)
            latency = latency or _measure(group, source, bench, folder, options, known)
        except Exception as error:  # any exception: the sessions of other datasets are kept
            log.debug("latency on %s", group[0].dataset.name, exc_info=True)
            errors = dict.fromkeys((cell.name for cell in group), message_of(error))
            latency = DatasetLatency(None, group, errors, True)
        keep(latency)


def unmeasured_datasets(
    cells: Sequence[Cell], plan: Plan, bench: Workbench, folder: Path, options: LatencyOptions
) -> set[str]:
    """Return the names of the datasets that `measure_latency` would measure now."""
    known = _KnownSessions(folder, replace(options, baseline=plan.baseline), bench)
    return {name for name, group in _by_dataset(cells).items() if known.of(group) is None}


def _by_dataset(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Return the cells that have a latency, by the names of their datasets."""
    by_dataset: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.has_latency:
            by_dataset[cell.dataset.name].append(cell)
    return by_dataset


def _measure(
    group: Sequence[Cell],
    source: CellSource,
    bench: Workbench,
    folder: Path,
    options: LatencyOptions,
    known: _KnownSessions | None,
) -> DatasetLatency:
    """Measure the cells of a dataset, unless another run did so while this run waited."""
    lost = _make(group, bench)
    ready = [cell for cell in group if cell.name not in lost]
    if not ready:
        return DatasetLatency(None, group, lost, True)
    check_writable(folder / FOLDER, "--results")
    queries = {query.query_id: query.text for query in queries_of(ready[0].search.data, bench)}
    bench.close()
    with exclusive(bench.progress):
        latency = known and known.of(group)
        if latency:
            return latency
        recording = measure_session(ready, queries, source, options, bench.progress)
        _note_differences(recording, ready, bench)
        recording.header["rows"] |= {c.name: row_facts(c) for c in group if c.name in lost}
        recording.header["errors"] |= lost
        path = write(folder, recording)
    return DatasetLatency(path, group, recording.header["errors"], True)


def _make(cells: Sequence[Cell], bench: Workbench) -> dict[str, str]:
    """Make the artifacts that cells need; return cell -> reason where that failed.

    The artifacts that workers will open are verified here, once, and made again if damaged.
    """
    errors = {}
    for cell in cells:
        try:
            for step in (cell.search, *cell.opened):
                bench.artifact(step)
        except StepFailed as failure:
            errors[cell.name] = str(failure)
    return errors


def _note_differences(recording: Recording, cells: Sequence[Cell], bench: Workbench) -> None:
    """Note in a session's header which queries got other hits than in the quality pass."""
    for cell in cells:
        try:
            differing = recording.answers.differing(cell, bench)
        except Exception as error:  # the cell's run may have been removed meanwhile
            recording.header["errors"].setdefault(cell.name, message_of(error))
            continue
        if differing:
            recording.header["rows"][cell.name]["differs"][END_TO_END] = differing


class _KnownSessions:
    """The sessions in a suite's folder that fit this machine and these conditions."""

    def __init__(self, folder: Path, options: LatencyOptions, bench: Workbench) -> None:
        self._folder, self._options = folder / FOLDER, options
        self._conditions = conditions(options, bench.device)
        self._progress = bench.progress
        self._sessions: dict[Path, Session | None] = {}

    def of(self, cells: Sequence[Cell]) -> DatasetLatency | None:
        """Return the newest session that measured all cells as they are now; None without one.

        A cell that failed in the session counts as measured as long as neither the cell nor the
        code of its plugins has changed. Otherwise one broken row would let each run measure all
        rows of the dataset again.
        """
        for session, path in self._newest_first():
            rows, failed = session.header.rows, session.header.errors
            if all(_is_current(cell, rows.get(cell.name), failed) for cell in cells):
                errors = {
                    c.name: f"{failed[c.name]} ({EARLIER})" for c in cells if c.name in failed
                }
                return DatasetLatency(path, cells, errors, False)
        return None

    def _newest_first(self) -> Iterator[tuple[Session, Path]]:
        """Yield the sessions that are in the folder now; each file is read once."""
        for path in list(listed(self._folder, "*.npz"))[::-1]:
            if path not in self._sessions:
                self._sessions[path] = self._fitting(path)
            session = self._sessions[path]
            if session is not None:
                yield session, path

    @cached_property
    def _machine(self) -> str:
        threads = self._options.threads
        return fingerprint.digest(fingerprint.fingerprint(threads, worker_cpus(threads)))

    def _fitting(self, path: Path) -> Session | None:
        """Return a session if it fits; tell the user of a file that cannot be read."""
        try:
            session = read_session(path)
        except EffbenchError as error:
            self._progress.note(one_line(f"left out: {error}"))
            return None
        header = session.header
        all_failed = not header.rows.keys() - header.errors.keys()
        fits = (
            header.fingerprint_id == self._machine
            and (all_failed or session.rounds >= self._options.processes)
            and header.conditions == self._conditions
        )
        return session if fits else None


def _is_current(cell: Cell, facts: RowFacts | None, failed: Container[str]) -> bool:
    """Tell whether a session measured a cell as it is now; ``failed`` are its failed cells."""
    if facts is None or facts.latency_key != cell.latency_key:
        return False
    return cell.name not in failed or facts.code == code.of(cell.offers)
