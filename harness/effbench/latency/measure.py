"""The latency pass: one session a dataset for the cells of a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from effbench import fingerprint
from effbench.cells import Cell, Plan
from effbench.errors import EffbenchError
from effbench.files import listed
from effbench.latency import sessions
from effbench.latency.place import Place
from effbench.latency.samples import Read, Samples, read_samples
from effbench.latency.session import session
from effbench.latency.spans import END_TO_END
from effbench.latency.terms import conditions
from effbench.latency.workers import own_cpus
from effbench.paths import check_writable
from effbench.remarks import one_line
from effbench.steps.data import queries_of
from effbench.workbench import StepFailed, Workbench

if TYPE_CHECKING:
    from effbench.suite import LatencyOptions


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
    conditions on this machine, is taken instead. ``keep`` is told of each one at once.
    """
    by_dataset: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.has_latency:
            by_dataset[cell.dataset.name].append(cell)
    options = replace(options, baseline=plan.baseline)
    place = Place(plan.suite, plan.data, bench.store.root, bench.device)
    known = [] if anew else _fitting(folder, options, bench)
    for group in by_dataset.values():
        found = _found(group, known)
        if found is None:
            errors = _make(group, bench)
            ready = [cell for cell in group if cell.name not in errors]
            path = None
            if ready:
                texts = queries_of(ready[0].search.data, bench)
                queries = {query.query_id: query.text for query in texts}
                check_writable(folder / sessions.FOLDER, "--results")
                bench.close()
                samples = session(ready, queries, place, options, bench.progress)
                _compare(samples, ready, bench)
                path = sessions.write(folder, samples)
                errors |= samples.header["errors"]
            found = Session(path, group, errors, True)
        keep(found)


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
        differing = samples.answers.differing(cell, bench)
        if differing:
            samples.header["rows"][cell.name]["differs"][END_TO_END] = differing


def _fitting(
    folder: Path, options: LatencyOptions, bench: Workbench
) -> list[tuple[Path, Read]]:
    """Return the sessions under these conditions on this machine, the newest first."""
    paths = list(listed(folder / sessions.FOLDER, "*.npz"))[::-1]
    if not paths:
        return []
    terms = conditions(options, bench.device)
    here = fingerprint.fingerprint(options.threads, own_cpus(options.threads))
    found = []
    for path in paths:
        try:
            read = read_samples(path)
        except EffbenchError as error:
            bench.progress.note(one_line(f"left out: {error}"))
            continue
        alike = read.header.fingerprint_id == fingerprint.digest(here)
        if alike and read.header.conditions == terms and read.rounds >= options.processes:
            found.append((path, read))
    return found


def _found(cells: Sequence[Cell], known: Sequence[tuple[Path, Read]]) -> Session | None:
    """Return a session that measured all cells as they are now, if there is one."""
    wanted = {cell.name: cell.timed for cell in cells}
    for path, read in known:
        timed = {
            name: facts.timed
            for name, facts in read.header.rows.items()
            if name not in read.header.errors
        }
        if wanted.items() <= timed.items():
            return Session(path, cells, {}, False)
    return None
