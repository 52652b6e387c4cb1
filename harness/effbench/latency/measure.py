"""The latency pass: one session a dataset for the cells of a plan."""

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
from effbench.latency.header import facts_of
from effbench.latency.place import Place
from effbench.latency.recorded import RowFacts
from effbench.latency.samples import FOLDER, Read, Samples, read_samples, write
from effbench.latency.session import session
from effbench.latency.spans import END_TO_END
from effbench.latency.terms import conditions
from effbench.latency.workers import own_cpus
from effbench.machine import fingerprint
from effbench.plan.cells import Cell, Plan
from effbench.steps.data import queries_of
from effbench.store.disk import listed
from effbench.store.paths import check_writable
from effbench.text.printing import one_line
from effbench.text.raised import message_of
from effbench.work import code
from effbench.work.workbench import StepFailed, Workbench

if TYPE_CHECKING:
    from effbench.plan.suite import LatencyOptions


log = logging.getLogger(__name__)

EARLIER = "failed in an earlier run, not tried again; to try: effbench latency SUITE"


class Session(NamedTuple):
    """One that was made now, or found."""

    path: Path | None
    """None when no cell could be measured."""

    cells: Sequence[Cell]
    errors: dict[str, str]
    """Cell -> why it could not be measured."""

    new: bool


def measure(
    cells: Sequence[Cell],
    plan: Plan,
    bench: Workbench,
    folder: Path,
    options: LatencyOptions,
    *,
    anew: bool,
    keep: Callable[[Session], None],
) -> None:
    """Measure cells, a session a dataset, in a suite's results ``folder``.

    Unless ``anew``, a session that measured all cells of a dataset as they are now, under these
    conditions on this machine, is taken instead. ``keep`` is told of each one at once, and of
    those that failed: the other datasets' are measured.
    """
    by_dataset: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.has_latency:
            by_dataset[cell.dataset.name].append(cell)
    options = replace(options, baseline=plan.baseline)
    place = Place(plan.suite, plan.data, bench.store.root, bench.device)
    known = None if anew else _Known(folder, options, bench)
    for group in by_dataset.values():
        try:
            found = known and known.of(group)
            found = found or _measured(group, place, bench, folder, options, known)
        except Exception as error:  # whatever it is: others' sessions are kept
            log.debug("latency on %s", group[0].dataset.name, exc_info=True)
            errors = dict.fromkeys((cell.name for cell in group), message_of(error))
            found = Session(None, group, errors, True)
        keep(found)


def unmeasured(
    cells: Sequence[Cell], plan: Plan, bench: Workbench, folder: Path, options: LatencyOptions
) -> set[str]:
    """Return the datasets of which `measure` would make a session now."""
    by_dataset: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.has_latency:
            by_dataset[cell.dataset.name].append(cell)
    known = _Known(folder, replace(options, baseline=plan.baseline), bench)
    return {name for name, group in by_dataset.items() if known.of(group) is None}


def _measured(
    group: Sequence[Cell],
    place: Place,
    bench: Workbench,
    folder: Path,
    options: LatencyOptions,
    known: _Known | None,
) -> Session:
    """Measure the cells of a dataset now, unless another run has while this one waited."""
    lost = _make(group, bench)
    ready = [cell for cell in group if cell.name not in lost]
    if not ready:
        return Session(None, group, lost, True)
    check_writable(folder / FOLDER, "--results")
    queries = {query.query_id: query.text for query in queries_of(ready[0].search.data, bench)}
    bench.close()
    with exclusive(bench.progress):
        found = known and known.of(group)
        if found:
            return found
        samples = session(ready, queries, place, options, bench.progress)
        _compare(samples, ready, bench)
        samples.header["rows"] |= {c.name: facts_of(c) for c in group if c.name in lost}
        samples.header["errors"] |= lost
        path = write(folder, samples)
    return Session(path, group, samples.header["errors"], True)


def _make(cells: Sequence[Cell], bench: Workbench) -> dict[str, str]:
    """Make what cells need to be searched; return why some cannot be: cell -> reason.

    What workers will open is verified here, once, and made anew if it is not whole.
    """
    errors = {}
    for cell in cells:
        try:
            for step in (cell.search, *cell.opened):
                bench.artifact(step)
        except StepFailed as failure:
            errors[cell.name] = str(failure)
    return errors


def _compare(samples: Samples, cells: Sequence[Cell], bench: Workbench) -> None:
    """Note which queries were answered otherwise than in the quality pass."""
    for cell in cells:
        try:
            differing = samples.answers.differing(cell, bench)
        except Exception as error:  # its run may have gone meanwhile
            samples.header["errors"].setdefault(cell.name, message_of(error))
            continue
        if differing:
            samples.header["rows"][cell.name]["differs"][END_TO_END] = differing


class _Known:
    """The sessions of a suite's folder that are of this machine and these conditions."""

    def __init__(self, folder: Path, options: LatencyOptions, bench: Workbench) -> None:
        self._folder, self._options = folder / FOLDER, options
        self._terms = conditions(options, bench.device)
        self._progress = bench.progress
        self._read: dict[Path, Read | None] = {}

    def of(self, cells: Sequence[Cell]) -> Session | None:
        """Return the newest one that measured all cells as they are now, if there is one.

        Cells that failed in it have been measured, too, as long as neither they nor their
        plugins' code have changed: with others they would be measured for nothing.
        """
        for read, path in self._newest():
            rows, failed = read.header.rows, read.header.errors
            if all(_same(cell, rows.get(cell.name), failed) for cell in cells):
                errors = {
                    c.name: f"{failed[c.name]} ({EARLIER})" for c in cells if c.name in failed
                }
                return Session(path, cells, errors, False)
        return None

    def _newest(self) -> Iterator[tuple[Read, Path]]:
        """Yield those that are there by now; each file is read once."""
        for path in list(listed(self._folder, "*.npz"))[::-1]:
            if path not in self._read:
                self._read[path] = self._fitting(path)
            read = self._read[path]
            if read is not None:
                yield read, path

    @cached_property
    def _here(self) -> str:
        threads = self._options.threads
        return fingerprint.digest(fingerprint.fingerprint(threads, own_cpus(threads)))

    def _fitting(self, path: Path) -> Read | None:
        try:
            read = read_samples(path)
        except EffbenchError as error:
            self._progress.note(one_line(f"left out: {error}"))
            return None
        enough = read.rounds >= self._options.processes or not (
            read.header.rows.keys() - read.header.errors.keys()
        )
        alike = read.header.fingerprint_id == self._here
        return read if alike and enough and read.header.conditions == self._terms else None


def _same(cell: Cell, facts: RowFacts | None, failed: Container[str]) -> bool:
    """Tell whether what a session says of a cell is of the cell as it is now."""
    if facts is None or facts.timed != cell.timed:
        return False
    return cell.name not in failed or facts.code == code.of(cell.offers)
