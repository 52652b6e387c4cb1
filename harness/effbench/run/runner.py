"""The two passes of a run: quality cell by cell, then latency dataset by dataset."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from effbench.api.errors import DiskError, EffbenchError
from effbench.guard import processes
from effbench.guard.blame import doing
from effbench.latency.measure import DatasetLatency, measure_latency
from effbench.making.ahead import ahead
from effbench.plan.cells import Cell, Plan
from effbench.run import records
from effbench.run.overlap import put_overlaps
from effbench.run.recall import put_recalls
from effbench.run.records import Plain
from effbench.run.results import Results
from effbench.steps.train import Train
from effbench.text.raised import message_of
from effbench.work import code
from effbench.work.failures import Reason, StepFailed
from effbench.work.progress import Progress
from effbench.work.step import all_steps, key_of
from effbench.work.workbench import Workbench

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """The outcome of a run: the names of its cells by what became of them, and records."""

    records: dict[str, Plain] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    """Cells that lack data which only the user can bring."""

    failed_steps: set[str] = field(default_factory=set)
    """The labels of failed steps whose reason the user has been told."""

    remarks: dict[str, None] = field(default_factory=dict)
    """The remarks on the whole run that the user has been told."""

    def remark(self, lines: Iterable[str], progress: Progress) -> None:
        """Tell the user each of these remarks, unless it has been told before."""
        for line in lines:
            if line not in self.remarks:
                self.remarks[line] = None
                progress.note(line)

    def fail(
        self, cell: Cell, reason: str, progress: Progress, step: Reason | None = None
    ) -> None:
        """Count a cell as failed and tell the user; tell the reason of a failed step once."""
        for names in (self.done, self.reused):
            if cell.name in names:
                names.remove(cell.name)
        self.failed[cell.name] = reason
        message = reason
        if step is not None and step.label in self.failed_steps:
            message = f"{step.label}: failed, as said above"
        elif step is not None:
            self.failed_steps.add(step.label)
        progress.note(f"FAILED {cell.name}: {message}")


def run(
    plan: Plan, whole: Plan, bench: Workbench, root: Path, *, fail_fast: bool = False
) -> tuple[Outcome, Results]:
    """Finish every cell of ``plan``. A failed cell gets a record, and the run goes on.

    ``plan`` may be a part of ``whole``, the plan of the whole suite. If there are several
    processes, all make the trainings together; then the first process does all other work, and
    the others return.
    """
    results = Results.of(root, whole)
    outcome = Outcome(remarks=dict.fromkeys(plan.remarks))
    if processes.several():
        _train_together(plan, bench)
        if processes.rank():
            return outcome, results
    results.begin(whole, bench.progress.note)
    searches = [cell.search for cell in plan.cells if results.finished(cell) is None]
    with ahead(bench, searches):
        for cell in plan.cells:
            try:
                with doing(f"cell {cell.name}"):
                    _quality(cell, bench, results, outcome)
            except EffbenchError as error:
                _fail(cell, error, bench, results, outcome)
            if outcome.failed and fail_fast:
                return outcome, results
    put_recalls(plan, results, outcome.records, bench.progress)
    put_overlaps(plan, bench, results, outcome.records)
    bench.digests.save()
    _latency(plan, bench, results, outcome)
    return outcome, results


def record_refusal(
    plan: Plan, root: Path, error: EffbenchError, note: Callable[[str], object]
) -> None:
    """Record why no cell of a suite was run, so that leaderboards tell the reason.

    Do nothing if a cell has a record from an earlier run.
    """
    results = Results.of(root, plan)
    if any([results.read(cell, note) for cell in plan.cells]):
        return
    results.begin(plan, note)
    for cell in plan.cells:
        results.write(cell, records.failed(cell, error))


def _train_together(plan: Plan, bench: Workbench) -> None:
    """Make all trainings and the steps that they read, in the same order in all processes.

    A step that lacks an input is left out in all processes. A step that fails in the first
    process is left to the cell that needs it, which tells the user. If another process fails in
    the middle of a training, all processes end.
    """
    trainings = tuple(step for step in plan.steps().values() if isinstance(step, Train))
    lost: set[str] = set()
    for key, step in all_steps(trainings).items():
        if any(key_of(read) in lost for read in step.inputs):
            lost.add(key)
            continue
        try:
            bench.artifact(step)
        except StepFailed as failure:
            lost.add(key)
            if processes.rank() and (failure.trace or getattr(step, "together", False)):
                log.debug("%s", failure.trace)
                raise


def _quality(cell: Cell, bench: Workbench, results: Results, outcome: Outcome) -> None:
    record = results.finished(cell, bench.progress.note)
    lost = results.lost(record, bench.digests) if record else []
    if lost:
        bench.progress.note(f"{cell.name}: {', '.join(lost)}: lost or damaged, exporting again")
    elif record:
        outcome.records[cell.name] = _reused(record, cell, results, bench.progress)
        outcome.reused.append(cell.name)
        steps = all_steps((cell.search,)).values()
        changed = code.remarks(record.get("code", {}), cell.offers, steps)
        outcome.remark(changed, bench.progress)
        return
    bench.artifact(cell.search)
    with doing("writing its files"):
        files = results.export(cell, bench)
    with doing("measuring"):
        record = records.done(cell, bench, files)
    with doing("writing its record"):
        results.write(cell, record)
    outcome.records[cell.name] = record
    outcome.done.append(cell.name)


def _reused(record: Plain, cell: Cell, results: Results, progress: Progress) -> Plain:
    """Return a finished record with its cell's options of speed, which may have changed."""
    now = json.loads(json.dumps(records.row_facts(cell)))
    if any(record.get(name) != value for name, value in now.items()):
        record = {**record, **now}
        try:
            results.write(cell, record)
        except DiskError as trouble:  # the scores have not changed
            progress.note(f"{cell.name}: its record tells old options: {trouble}")
    return record


def _latency(plan: Plan, bench: Workbench, results: Results, outcome: Outcome) -> None:
    """Measure the latency of the cells that have scores, dataset by dataset."""
    options = plan.suite.latency
    if options is None:
        return

    cells = [cell for cell in plan.cells if cell.name in outcome.records]
    left = {cell.name: cell for cell in cells if cell.has_latency}

    def keep(latency: DatasetLatency) -> None:
        for cell in latency.cells:
            left.pop(cell.name)
            if latency.new and cell.name in outcome.reused:
                outcome.reused.remove(cell.name)
                outcome.done.append(cell.name)
            if cell.name in latency.errors:
                outcome.fail(cell, f"latency: {latency.errors[cell.name]}", bench.progress)

    try:
        measure_latency(cells, plan, bench, results.folder, options, anew=False, keep=keep)
    except (EffbenchError, OSError) as error:  # such as a full disk
        for cell in left.values():
            outcome.fail(cell, f"latency: {message_of(error)}", bench.progress)


def _fail(
    cell: Cell, error: Exception, bench: Workbench, results: Results, outcome: Outcome
) -> None:
    try:
        with doing("writing its record"):
            results.write(cell, records.failed(cell, error))
    except EffbenchError as trouble:  # perhaps the cell failed for the same disk
        bench.progress.note(f"{cell.name}: no record of it: {trouble}")
    if getattr(error, "no_data", False):
        outcome.skipped.append(cell.name)
        bench.progress.note(f"skipped {cell.name}: {error}")
        return
    outcome.fail(cell, message_of(error), bench.progress, getattr(error, "reason", None))
