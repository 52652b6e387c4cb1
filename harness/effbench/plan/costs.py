"""Estimates of time and bytes for the steps that a run must make, and checks of disk space.

A number that nobody knows stays unknown. A count comes from a dataset, from a finished step, or
from the memory of such a step; a time comes from a step with the same pace on this machine
(`effbench.work.memory`).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench.api.errors import EffbenchError
from effbench.steps.encode import EncodeCorpus
from effbench.steps.index import BuildRetriever
from effbench.steps.train import Train
from effbench.steps.writing import shards_kept
from effbench.store import space
from effbench.store.artifacts import MANIFEST
from effbench.store.space import Need
from effbench.work.effort import Work
from effbench.work.memory import FOLDER, Memory, Pace
from effbench.work.step import Step, all_steps, key_of

if TYPE_CHECKING:
    from effbench.plan.cells import Cell
    from effbench.store.artifacts import Artifact, Store
    from effbench.work.step import Corpus, Recipe


_RESULTS = "name another disk with --results, or free some"

MOST_DOCS = 10**11
"""No corpus has more docs. A dataset that says so is wrong, and only its cells fail."""

_RECORD = 2_000
"""Fewest bytes of a cell's record and run."""


@dataclass
class Facts:
    """The facts that a cache and datasets give before any work; it is a `Known`."""

    store: Store
    device: str | None = None
    _artifacts: dict[str, Artifact] = field(default_factory=dict)
    _manifests: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    _docs: dict[str, int | None] = field(default_factory=dict)

    @cached_property
    def memory(self) -> Memory:
        """The memory of the runs with this cache."""
        return Memory(self.store.root / FOLDER)

    def artifact(self, step: Step) -> Artifact:
        """Return the artifact of a step, whether it is finished or not."""
        key = key_of(step)
        if key not in self._artifacts:
            self._artifacts[key] = self.store.artifact(step.kind, key)
        return self._artifacts[key]

    def manifest(self, step: Step) -> Mapping[str, Any] | None:
        """Return the manifest of a step; None if the step is not finished."""
        key = key_of(step)
        if key not in self._manifests:
            self._manifests[key] = self.artifact(step).manifest()
        return self._manifests[key]

    def state(self, step: Step) -> list[Path] | None:
        """Return the damaged files of a finished step; None if the step is not finished.

        Only names and sizes are checked, which is quick. A damaged manifest is itself such a
        file.
        """
        manifest = self.manifest(step)
        if manifest is not None:
            return self.artifact(step).cut(manifest)
        path = self.artifact(step).folder / MANIFEST
        return [path] if path.exists() else None

    def docs(self, dataset: Corpus) -> int | None:
        """Return how many docs a dataset has, from the memory or from the dataset, or None."""
        key = dataset.corpus_key
        if key not in self._docs:
            self._docs[key] = self.memory.docs(dataset)
            if self._docs[key] is None:
                with contextlib.suppress(EffbenchError):  # a run will raise it again
                    count = dataset.docs_count()
                    self._docs[key] = count if count and 0 < count <= MOST_DOCS else None
        return self._docs[key]

    def width(self, row: Recipe) -> int | None:
        """Return the width of a row's vectors; None if it has made none with this cache."""
        return self.memory.width(row)

    def count(self, step: Step, name: str) -> int | None:
        """Return a count from a step's manifest; None if it is unknown."""
        number = (self.manifest(step) or {}).get(name)
        return number if isinstance(number, int) else None


class Estimate(NamedTuple):
    """The time and the bytes that a step will take."""

    step: Step
    work: Work
    seconds: float | None
    """None if nobody knows."""

    like: str | None
    """The label of the step whose pace is used."""

    least: int
    """Fewest bytes that the step must still write."""

    bytes: int | None
    """Bytes by the pace of the step that it is like; None if nobody knows."""


def estimate(step: Step, facts: Facts) -> Estimate:
    """Return the estimate for a step that must be made."""
    work = step.work(facts)
    if work.amount is None and work.like is not None:
        work = work._replace(amount=facts.memory.amount(key_of(step)))
    artifact, volume = facts.artifact(step), _volume(work)
    parts = artifact.size_of_parts() if work.least else 0
    least = max(0, work.least - parts)
    if work.shard and work.amount is not None and facts.manifest(step) is None:
        kept = work.shard * shards_kept(artifact.folder)
        work = work._replace(amount=max(0, work.amount - kept))
    pace = None if work.like is None else facts.memory.pace(work.like)
    seconds = pace.takes(work.amount) if pace and work.amount is not None else None
    likely = None if work.more else work.least or None
    if pace and volume is not None:
        likely = pace.writes(volume)
    return Estimate(
        step,
        work,
        seconds,
        pace.label if pace else None,
        least,
        likely and max(least, likely - parts),
    )


def check_run(cells: Sequence[Cell], facts: Facts, results: Path) -> None:
    """Refuse to run cells if their artifacts or their records will not fit on the disks.

    Raises:
        EffbenchError: it names the folder, the bytes needed and the bytes free.

    """
    steps = [step for cell in cells for step in cell.read]
    check_room(steps, facts, Need(results, len(cells) * _RECORD, _RESULTS))


def check_room(steps: Iterable[Step], facts: Facts, *more: Need) -> None:
    """Refuse to make steps, with their inputs, if these and ``more`` needs will not fit.

    Raises:
        EffbenchError: it names the folder, the bytes needed and the bytes free.

    """
    least = sum(estimate(step, facts).least for step in steps_left(steps, facts).values())
    space.check([Need(facts.store.root, least, space.STORE), *more])


def shards_of(facts: Facts, step: Step) -> int | None:
    """Return how many shards a step will have; None if it has none, or nobody knows."""
    work = step.work(facts)
    return math.ceil(work.amount / work.shard) if work.amount and work.shard else None


def learner(store: Store, device: str | None) -> Callable[[Step, bool], None]:
    """Return the function that a workbench calls with each new step, to `learn` from it."""
    return lambda step, resumed: learn(step, Facts(store, device), resumed=resumed)


def learn(step: Step, facts: Facts, *, resumed: bool) -> None:
    """Remember the sizes and the pace of a step that has just finished.

    A ``resumed`` training gives only the time of its second part, and the pace is known only if
    the training also gives the share of that part.
    """
    manifest, memory = facts.manifest(step) or {}, facts.memory
    if isinstance(step, EncodeCorpus):
        memory.learn_docs(step.dataset, manifest["rows"])
        memory.learn_width(step.row, manifest["width"])
    if isinstance(step, BuildRetriever):
        memory.learn_docs(step.dataset, manifest["docs"])
    work = step.work(facts)
    if work.amount and work.unit != "docs":
        memory.learn_amount(key_of(step), work.amount)
    if isinstance(step, Train) and resumed and "share" not in manifest:
        return
    volume = _volume(work)
    if work.like is not None and work.amount and volume and "seconds" in manifest:
        written = sum(manifest["sizes"].values())
        seconds = manifest["seconds"] / manifest.get("share", 1.0)
        pace = Pace(step.label, work.amount, seconds, volume, written)
        memory.learn_pace(work.like, pace)


def _volume(work: Work) -> int | None:
    return work.amount if work.volume is None else work.volume


def steps_left(steps: Iterable[Step], facts: Facts) -> dict[str, Step]:
    """Return key -> step for all steps that must be made for ``steps``, inputs first."""
    return all_steps(steps, lambda step: facts.artifact(step).finished())
