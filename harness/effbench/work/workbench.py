"""The workbench: has each step made once, and keeps the newest models and indexes open.

Steps are made here, in this process, or by worker processes (a `Maker`). The bench holds the
lock of a step meanwhile, and its inputs are finished before. Several threads may ask for steps.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeVar

from effbench.api.errors import EffbenchError, NoDataError
from effbench.guard import processes
from effbench.guard.blame import failure
from effbench.store.artifacts import Artifact, Store
from effbench.store.digests import DIGESTS, Digests
from effbench.store.disk import on_disk
from effbench.text.raised import message_of
from effbench.work import code, joining
from effbench.work.parts import Parts
from effbench.work.progress import Progress, watching
from effbench.work.step import Opens, Recipe, Step, key_of, made_together

T = TypeVar("T")


class Reason(NamedTuple):
    """Why a step could not be made, as text.

    An exception would hold its frames, and they might hold a model of some gigabytes.
    """

    label: str
    """The label of the step."""

    message: str
    trace: str | None
    no_data: bool


class StepFailed(EffbenchError):
    """A step could not be made; ``trace`` is the traceback if the cause is a bug."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.message)
        self.reason, self.trace, self.no_data = reason, reason.trace, reason.no_data


class Maker(Protocol):
    """Makes steps in other processes."""

    def make(
        self, step: Step, sound: Container[str], only: tuple[int, int] | None = None
    ) -> bool:
        """Make a step whose lock the caller holds; ``sound`` has the keys of finished steps.

        With ``only``, the first shard and the shard after the last one, make these shards.

        Returns:
            Whether the finished artifacts are still to be trusted.

        Raises:
            StepFailed: the step cannot be made.

        """

    @property
    def at_once(self) -> int:
        """How many steps it can make at the same time."""

    def close(self) -> None:
        """End the processes, to free their memory; the next step starts them again."""


class _OpenFew:
    """Keeps the last few opened objects, which are slow to open, and drops the oldest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._kept:
            while len(self._kept) >= self._most:  # before making: both might not fit
                self._kept.popitem(last=False)
            self._kept[key] = make()
        self._kept.move_to_end(key)
        return self._kept[key]  # type: ignore[no-any-return]


@dataclass
class Workbench:
    """Makes steps: with a cache for their artifacts, a device, and a watcher."""

    store: Store
    progress: Progress
    device: str | None = None
    trusting: bool = False
    """Whether finished artifacts need no check, since another process has checked them."""

    learn: Callable[[Step, bool], None] = lambda _step, _resumed: None
    """Called with each step that one process has made, and whether an earlier run began it."""

    made: list[str] = field(default_factory=list)
    docs_totals: dict[str, int | None] = field(default_factory=dict)
    """Corpus key -> number of its docs; None if it is unknown."""

    parts: Parts = field(default_factory=Parts)
    """The times of the calls of live objects."""

    maker: Maker | None = None
    """What makes the steps; None for this process."""

    distrusts: bool = False
    """Whether a step has found that finished artifacts may be damaged."""

    _turns: dict[str, threading.Lock] = field(
        default_factory=lambda: defaultdict(threading.Lock)
    )
    _sound: dict[str, Artifact] = field(default_factory=dict)
    _failed: dict[str, Reason] = field(default_factory=dict)
    _encoders: _OpenFew = field(default_factory=lambda: _OpenFew(2))
    _indexes: _OpenFew = field(default_factory=lambda: _OpenFew(1))

    def artifact(self, step: Step) -> Artifact:
        """Return the finished artifact of a step; make it first if need be.

        Raises:
            StepFailed: the step cannot be made; it is not tried a second time.

        """
        key = key_of(step)
        with self._turns[key]:  # another thread may be making it
            if key not in self._sound and key not in self._failed:
                try:
                    self._sound[key] = self._ensured(step, key)
                except StepFailed as error:
                    self._failed[key] = error.reason
                if key in self._failed and not self._failed[key].no_data:
                    self._drop()  # nothing else holds the failed objects now
            if key in self._failed:
                raise StepFailed(self._failed[key])
            return self._sound[key]

    def make_shards(self, step: Step, shards: range) -> None:
        """Make some shards of a step, without its lock: other processes make the others.

        Raises:
            StepFailed: they cannot be made.

        """
        artifact = self.store.artifact(step.kind, key_of(step))
        piece = shards.start, shards.stop
        with self._reasons(step, artifact):
            for read in step.inputs:
                self.artifact(read)
            artifact.folder.mkdir(parents=True, exist_ok=True)
            if self.maker is None:
                self._make(step, artifact, piece)
            elif not self.maker.make(step, self._sound, piece):
                self.distrust()

    def make(self, step: Step, piece: tuple[int, int] | None) -> None:
        """Make a step, or a piece of it, for another process, which holds the step's lock.

        If several processes train together, the first of them finishes the artifact.

        Raises:
            StepFailed: the step cannot be made.

        """
        artifact = self.store.artifact(step.kind, key_of(step))
        with self._reasons(step, artifact):
            if processes.rank():
                with watching(self.progress):
                    step.make(artifact, self)
            else:
                self._make(step, artifact, piece)

    def trust(self, steps: Iterable[Step]) -> None:
        """Take the word of another process that steps are finished and their files whole."""
        self.distrusts = False
        for step in steps:
            self._sound[key_of(step)] = self.store.artifact(step.kind, key_of(step))

    def instance(self, row: Recipe) -> Any:
        """Return the encoder of a row; make it first unless it is still open."""
        return self._encoders.get(row.key, lambda: row.make(self))

    def opened(self, step: Opens) -> Any:
        """Return the index or the retriever of a step, ready to search.

        Rows whose options differ only in what changes no docs share the step, but not this.
        """
        self.artifact(step)
        return self._indexes.get((key_of(step), step.row.key), lambda: step.open(self))

    @cached_property
    def digests(self) -> Digests:
        """Digests of files, remembered in the cache."""
        return Digests(self.store.root / DIGESTS)

    def distrust(self) -> None:
        """Check finished artifacts again before their next use."""
        self.distrusts = True
        self._sound.clear()

    def close(self) -> None:
        """Drop the open models and indexes, and end the workers, to free their memory."""
        if self.maker is not None:
            self.maker.close()
        self._drop()

    def _drop(self) -> None:
        self._encoders, self._indexes = _OpenFew(2), _OpenFew(1)
        gc.collect()  # models are in reference cycles
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def _ensured(self, step: Step, key: str) -> Artifact:
        artifact = self.store.artifact(step.kind, key)
        with self._reasons(step, artifact):
            return self._ensure(step, artifact)

    @contextmanager
    def _reasons(self, step: Step, artifact: Artifact) -> Iterator[None]:
        """Raise `StepFailed` for any error in the block."""
        try:
            with on_disk(artifact.folder):
                yield
            return
        except (StepFailed, KeyboardInterrupt):
            raise
        except EffbenchError as error:
            trace, no_data = getattr(error, "trace", None), isinstance(error, NoDataError)
            reason = Reason(step.label, message_of(error), trace, no_data)
        except BaseException as error:  # a bug of the harness: errors of plugins are named
            bug = failure(step.label, error)
            reason = Reason(step.label, str(bug), bug.trace, no_data=False)
        raise StepFailed(reason)

    def _ensure(self, step: Step, artifact: Artifact) -> Artifact:
        if self._whole(artifact):  # nothing is written, so no lock, which is a file, is needed
            self.store.share(artifact, self.progress.note)
            return artifact
        together = made_together(step)
        if together and processes.rank():
            return self._join(step, artifact)
        if self._taken(step, artifact):
            return artifact
        for read in step.inputs:
            self.artifact(read)
        with self._lock(step):
            sound = self._whole(artifact)
            if artifact.finished() and not sound:
                bad = ", ".join(map(str, artifact.damaged()[:3]))
                self.progress.note(f"{step.label}: {bad}: lost or damaged, making it again")
                artifact.discard()
            if not sound and not self.store.fetch(artifact, self.progress.note):
                artifact.sweep()
                if together:
                    joining.call_others(artifact)
                resumed = not artifact.is_empty()
                self._have_made(step, artifact)
                if self.maker is not None:
                    artifact.sweep()  # a worker may have died, and another one gone on
                self.made.append(step.label)
                if not processes.several():  # several processes would teach a wrong pace
                    self.learn(step, resumed)
            self.store.share(artifact, self.progress.note)
        return artifact

    def _taken(self, step: Step, artifact: Artifact) -> bool:
        """Take the artifact of another machine, before what it was made of is asked for."""
        if self.store.copies is None:
            return False
        with self._lock(step):
            return not artifact.finished() and self.store.fetch(artifact, self.progress.note)

    def _lock(self, step: Step) -> AbstractContextManager[None]:
        def waiting() -> None:
            self.progress.note(f"{step.label}: another run is making it, waiting")

        return self.store.lock(step.kind, key_of(step), waiting)

    def _have_made(self, step: Step, artifact: Artifact) -> None:
        if self.maker is None:
            self._make(step, artifact)
        elif not self.maker.make(step, self._sound):
            self.distrust()

    def _make(
        self, step: Step, artifact: Artifact, piece: tuple[int, int] | None = None
    ) -> None:
        with watching(self.progress):
            if piece is not None:
                step.make_piece(artifact, self, range(*piece))  # type: ignore[attr-defined]
                return
            info = step.make(artifact, self)
        facts = {
            "label": step.label,
            "code": {**code.of(step.offers), **code.hub_commits([step])},
        }
        artifact.finish({**facts, **info})

    def _whole(self, artifact: Artifact) -> bool:
        return artifact.manifest() is not None if self.trusting else artifact.sound()

    def _join(self, step: Step, artifact: Artifact) -> Artifact:
        """Train with the first process, which keeps the model."""
        if joining.wait_for_call(artifact):
            step.make(artifact, self)
            joining.wait_for_model(artifact)
        return artifact
