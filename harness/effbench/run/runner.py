"""Run a plan: the quality pass, cell by cell, then the latency pass, dataset by dataset."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from effbench.api.errors import DiskError, EffbenchError
from effbench.guard import processes
from effbench.guard.blame import doing
from effbench.latency.measure import Session, measure
from effbench.plan.cells import Cell, Plan
from effbench.run import records
from effbench.run.records import Plain
from effbench.run.results import Results
from effbench.steps.train import Train
from effbench.text.raised import message_of
from effbench.work import code
from effbench.work.progress import Progress
from effbench.work.step import all_steps, key_of
from effbench.work.workbench import Reason, StepFailed, Workbench

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What became of a run's cells: names, and the records of those that are done."""

    records: dict[str, Plain] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    """Cells whose data only the user can bring, and has not."""

    steps: set[str] = field(default_factory=set)
    """The labels of failed steps, of which the reason has been said."""

    remarks: dict[str, None] = field(default_factory=dict)
    """What has been said of the whole run."""

    def remark(self, lines: Iterable[str], progress: Progress) -> None:
        """Say what has not been said yet."""
        for line in lines:
            if line not in self.remarks:
                self.remarks[line] = None
                progress.note(line)

    def fail(
        self, cell: Cell, reason: str, progress: Progress, step: Reason | None = None
    ) -> None:
        """Count a cell as failed, and say so; the reason of a step's failure is said once."""
        for names in (self.done, self.reused):
            if cell.name in names:
                names.remove(cell.name)
        self.failed[cell.name] = reason
        again = step is not None and step.label in self.steps
        if step is not None:
            self.steps.add(step.label)
        said_now = f"{step.label}: failed, as said above" if step and again else reason
        progress.note(f"FAILED {cell.name}: {said_now}")


def run(
    plan: Plan, whole: Plan, bench: Workbench, root: Path, *, fail_fast: bool = False
) -> tuple[Outcome, Results]:
    """Finish every cell of ``plan``; a cell that fails is recorded and the others go on.

    ``whole`` is the plan of the whole suite, of which ``plan`` may be a part. Of several
    processes the first does all; the others return when the trainings are done.
    """
    results = Results.of(root, whole)
    outcome = Outcome(remarks=dict.fromkeys(plan.remarks))
    if processes.several():
        _train_together(plan, bench)
        if processes.rank():
            return outcome, results
    results.begin(whole, bench.progress.note)
    for cell in plan.cells:
        try:
            with doing(f"cell {cell.name}"):
                _quality(cell, bench, results, outcome)
        except EffbenchError as error:
            _fail(cell, error, bench, results, outcome)
        if outcome.failed and fail_fast:
            return outcome, results
    bench.digests.save()
    _latency(plan, bench, results, outcome)
    return outcome, results


def refuse(plan: Plan, root: Path, error: EffbenchError, said: Callable[[str], object]) -> None:
    """Record why a suite's cells were not run, if none was before: leaderboards say it."""
    results = Results.of(root, plan)
    if any([results.read(cell, said) for cell in plan.cells]):
        return
    results.begin(plan, said)
    for cell in plan.cells:
        results.write(cell, records.failed(cell, error))


def _train_together(plan: Plan, bench: Workbench) -> None:
    """Make all trainings and what they read from, in one order for all processes.

    What lacks an input is left out in all of them. In the first process, what fails is left to
    the cell that needs it, which says so; where another one fails in the midst of a training,
    all end.
    """
    trainings = tuple(step for step in plan.steps().values() if isinstance(step, Train))
    lost: set[str] = set()
    for key, step in all_steps(trainings).items():
        if any(key_of(one) in lost for one in step.inputs):
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
    """Return a finished record as its cell is now: options of speed may have changed."""
    now = json.loads(json.dumps(records.told(cell)))
    if any(record.get(name) != value for name, value in now.items()):
        record = {**record, **now}
        try:
            results.write(cell, record)
        except DiskError as trouble:  # the scores are those of before
            progress.note(f"{cell.name}: its record tells old options: {trouble}")
    return record


def _latency(plan: Plan, bench: Workbench, results: Results, outcome: Outcome) -> None:
    """Measure each dataset's cells together, unless they all have been as they are now."""
    options = plan.suite.latency
    if options is None:
        return

    cells = [cell for cell in plan.cells if cell.name in outcome.records]
    left = {cell.name: cell for cell in cells if cell.has_latency}

    def keep(found: Session) -> None:
        for cell in found.cells:
            left.pop(cell.name)
            if found.new and cell.name in outcome.reused:
                outcome.reused.remove(cell.name)
                outcome.done.append(cell.name)
            if cell.name in found.errors:
                outcome.fail(cell, f"latency: {found.errors[cell.name]}", bench.progress)

    try:
        measure(cells, plan, bench, results.folder, options, anew=False, keep=keep)
    except (EffbenchError, OSError) as error:  # such as a full disk
        for cell in left.values():
            outcome.fail(cell, f"latency: {message_of(error)}", bench.progress)


def _fail(
    cell: Cell, error: Exception, bench: Workbench, results: Results, outcome: Outcome
) -> None:
    try:
        with doing("writing its record"):
            results.write(cell, records.failed(cell, error))
    except EffbenchError as trouble:  # the disk that the cell failed for, or another
        bench.progress.note(f"{cell.name}: no record of it: {trouble}")
    if getattr(error, "no_data", False):
        outcome.skipped.append(cell.name)
        bench.progress.note(f"skipped {cell.name}: {error}")
        return
    outcome.fail(cell, message_of(error), bench.progress, getattr(error, "reason", None))
