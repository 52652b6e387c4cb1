"""The contract of steps: units of work that cells need, each with a key and an artifact.

A step is a frozen dataclass with a ``kind``, a ``label``, the ``facts`` that decide its bytes,
the steps that it reads (``inputs``), and ``make``, which fills its folder. A step gets its
inputs from the bench (`effbench.work.workbench`), so only steps that are needed are made.

Here stand the protocols by which steps, rows and the bench use each other. They all import
this module, and it imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from effbench.store.digests import digest_of
from effbench.work.effort import Work

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact
    from effbench.store.digests import Digests
    from effbench.work.parts import Parts
    from effbench.work.progress import Progress


FORMAT = 2
"""Part of every key; raise it when the harness makes other bytes of the same facts."""

_KEY = "_key"


class Step(Protocol):
    """One unit of work whose result is kept under a key."""

    @property
    def kind(self) -> str:
        """Its folder in the cache, such as ``encode``."""

    @property
    def label(self) -> str:
        """The name that the user sees while it runs."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What decides its bytes, apart from its inputs."""

    @property
    def inputs(self) -> tuple[Step, ...]:
        """The steps whose artifacts it reads."""

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The offers whose code makes it, without those of its inputs."""

    def work(self, known: Known) -> Work:
        """Return the size of its work, as far as that is known."""

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        """Fill the artifact; return the facts for its manifest."""


class Corpus(Protocol):
    """The part of a dataset that counting docs needs."""

    @property
    def corpus_key(self) -> str:
        """Identifies the docs among the datasets of all plugins."""

    def docs_count(self) -> int | None:
        """Return how many docs there are; None if the dataset does not know."""


class Recipe(Protocol):
    """The part of a row that the bench needs to make an encoder, an index or a trainer."""

    @property
    def key(self) -> str:
        """Identifies the instance: equal keys make equal instances."""

    @property
    def corpus_facts(self) -> Mapping[str, Any]:
        """What decides its vectors of docs."""

    @property
    def query_facts(self) -> Mapping[str, Any]:
        """What decides its answers to queries."""

    def make(self, bench: Bench) -> Any:
        """Make the instance."""


class Known(Protocol):
    """What is known before any work is done: see `effbench.plan.costs`."""

    device: str | None
    """The device of rows that name none; None for the choice of each plugin."""

    def docs(self, dataset: Corpus) -> int | None:
        """Return how many docs a dataset has; None if it is unknown."""

    def width(self, row: Recipe) -> int | None:
        """Return the width of an encoder's vectors; None if it is unknown."""

    def count(self, step: Step, name: str) -> int | None:
        """Return a count from a step's manifest, such as ``docs``; None if it is unknown."""


class Bench(Protocol):
    """The part of the workbench that steps and rows use."""

    device: str | None
    """The device of rows that name none; None for the choice of each plugin."""

    trusting: bool
    """Whether finished artifacts need no check, since another process has checked them."""

    docs_totals: dict[str, int | None]
    """Corpus key -> number of its docs; None if it is unknown."""

    parts: Parts
    """The times of the calls of live objects."""

    @property
    def progress(self) -> Progress:
        """The watcher of the work."""

    @property
    def digests(self) -> Digests:
        """Digests of files, remembered."""

    def artifact(self, step: Step) -> Artifact:
        """Return the finished artifact of a step; make it first if need be."""

    def instance(self, row: Recipe) -> Any:
        """Return the encoder of a row; make it first unless it is still open."""

    def opened(self, step: Opens) -> Any:
        """Return the index or the retriever of a step, ready to search."""

    def distrust(self) -> None:
        """Check finished artifacts again before their next use."""


class Opens(Step, Protocol):
    """A step whose artifact is opened as an index or a retriever."""

    @property
    def row(self) -> Recipe:
        """The row of the index or of the retriever."""

    def open(self, bench: Bench) -> Any:
        """Return the index or the retriever, loaded or built again."""


def key_of(step: Step) -> str:
    """Return the content key of a step: steps with equal keys make equal bytes."""
    attributes = vars(step)  # a step never changes, so its key is computed once
    if _KEY not in attributes:
        inputs = [key_of(read) for read in step.inputs]
        facts = {"format": FORMAT, "kind": step.kind, "facts": step.facts, "inputs": inputs}
        attributes[_KEY] = digest_of(facts)
    key: str = attributes[_KEY]
    return key


def made_together(step: Step) -> bool:
    """Tell whether all processes of torchrun make a step together; only trainings do."""
    return getattr(step, "together", False) is True


def in_pieces(step: Step) -> bool:
    """Tell whether several processes may make the shards of a step: it has ``make_piece``."""
    return hasattr(step, "make_piece")


def all_steps(
    steps: Iterable[Step], finished: Callable[[Step], bool] = lambda _: False
) -> dict[str, Step]:
    """Return key -> step for the steps and all steps that they read, inputs first.

    Steps that are ``finished`` are left out, and so are those that only they read: they may be
    gone, and need not be made again.
    """
    by_key: dict[str, Step] = {}
    seen: set[str] = set()

    def add(step: Step) -> None:
        key = key_of(step)
        if key in seen:
            return
        seen.add(key)
        if not finished(step):
            for read in step.inputs:
                add(read)
            by_key[key] = step

    for step in steps:
        add(step)
    return by_key
