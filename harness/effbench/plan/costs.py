"""What the steps that are left will take: estimates from what finished steps say.

What is unknown stays unknown: a count comes from a dataset, a finished step or the memory of
one, a time from a step of the same pace on this machine (`effbench.work.memory`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench.api.errors import EffbenchError
from effbench.steps.encode import EncodeCorpus
from effbench.steps.index import BuildRetriever
from effbench.steps.shards import shards_kept
from effbench.steps.train import Train
from effbench.store import space
from effbench.store.artifacts import MANIFEST
from effbench.store.space import Need
from effbench.work.effort import Work
from effbench.work.memory import FOLDER, Memory, Pace
from effbench.work.step import Step, key_of

if TYPE_CHECKING:
    from effbench.plan.cells import Cell
    from effbench.store.artifacts import Artifact, Store
    from effbench.work.step import Corpus, Recipe


_RESULTS = "name another disk with --results, or free some"

MOST_DOCS = 10**11
"""No corpus has as many. A dataset that says so is wrong, and its cells alone will fail."""

_RECORD = 2_000
"""Bytes of a cell's record and its run, at least."""


@dataclass
class Facts:
    """What is known without work, from a store and from datasets: a `Known`."""

    store: Store
    device: str | None = None
    _artifacts: dict[str, Artifact] = field(default_factory=dict)
    _manifests: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    _docs: dict[str, int | None] = field(default_factory=dict)

    @cached_property
    def memory(self) -> Memory:
        """What the runs of this store have learned."""
        return Memory(self.store.root / FOLDER)

    def artifact(self, step: Step) -> Artifact:
        """Return a step's artifact, made or not."""
        key = key_of(step)
        if key not in self._artifacts:
            self._artifacts[key] = self.store.artifact(step.kind, key)
        return self._artifacts[key]

    def manifest(self, step: Step) -> Mapping[str, Any] | None:
        """Return a step's manifest, which is read once; None if it has not finished."""
        key = key_of(step)
        if key not in self._manifests:
            self._manifests[key] = self.artifact(step).manifest()
        return self._manifests[key]

    def state(self, step: Step) -> list[Path] | None:
        """Return the damaged files of a step that has finished, None if it has not.

        It is a quick look, at names and sizes; a damaged manifest is as good as none.
        """
        manifest = self.manifest(step)
        if manifest is not None:
            return self.artifact(step).cut(manifest)
        path = self.artifact(step).folder / MANIFEST
        return [path] if path.exists() else None

    def docs(self, dataset: Corpus) -> int | None:
        """Return how many docs a dataset has, if it was read here or knows it itself."""
        key = dataset.corpus_key
        if key not in self._docs:
            self._docs[key] = self.memory.docs(dataset)
            if self._docs[key] is None:
                with contextlib.suppress(EffbenchError):  # said when the corpus is read
                    count = dataset.docs_count()
                    self._docs[key] = count if count and 0 < count <= MOST_DOCS else None
        return self._docs[key]

    def width(self, row: Recipe) -> int | None:
        """Return how wide the vectors are that the row makes, if it has made some here."""
        return self.memory.width(row)

    def count(self, step: Step, name: str) -> int | None:
        """Return a number that the manifest of a finished step holds."""
        number = (self.manifest(step) or {}).get(name)
        return number if isinstance(number, int) else None


class Estimate(NamedTuple):
    """What one step will take."""

    step: Step
    work: Work
    seconds: float | None
    """None if no one knows."""

    like: str | None
    """The step whose pace it takes."""

    least: int
    """Bytes that it has still to write, for sure."""

    bytes: int | None
    """The same as a step like it wrote; None if no one knows."""


def estimate(step: Step, facts: Facts) -> Estimate:
    """Return what a step that is left will take."""
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
    """Refuse to make what cells lack where it, or what is said of them, will not fit.

    Raises:
        EffbenchError: it says where, how much is needed and how much is free.

    """
    steps = [step for cell in cells for step in cell.read]
    check_room(steps, facts, Need(results, len(cells) * _RECORD, _RESULTS))


def check_room(steps: Iterable[Step], facts: Facts, *more: Need) -> None:
    """Refuse to make ``steps``, and what they read, where that and ``more`` will not fit.

    Raises:
        EffbenchError: it says where, how much is needed and how much is free.

    """
    least = sum(estimate(step, facts).least for step in left(steps, facts).values())
    space.check([Need(facts.store.root, least, space.STORE), *more])


def learner(store: Store, device: str | None) -> Callable[[Step, bool], None]:
    """Return what a workbench tells of its steps, so that later plans know what others take."""
    return lambda step, resumed: learn(step, Facts(store, device), resumed=resumed)


def learn(step: Step, facts: Facts, *, resumed: bool) -> None:
    """Remember what a step that has just finished says of others.

    A training that was ``resumed`` says only how long the rest took, and perhaps its share.
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


def left(steps: Iterable[Step], facts: Facts) -> dict[str, Step]:
    """Return key -> step of all that must be made for ``steps``.

    What a step that is done has read may be gone: nobody makes it again.
    """
    steps_left: dict[str, Step] = {}
    seen: set[str] = set()

    def add(step: Step) -> None:
        key = key_of(step)
        if key in seen:
            return
        seen.add(key)
        if not facts.artifact(step).finished():
            for read in step.inputs:
                add(read)
            steps_left[key] = step

    for step in steps:
        add(step)
    return steps_left
