"""Steps: what a suite's cells need, each with a content key and an artifact.

A step is a frozen dataclass with a ``kind``, a ``label``, the ``facts`` that decide its
bytes, the steps it reads from (``inputs``), and ``make``, which fills its folder. Steps pull
their inputs from the bench (`effbench.work.workbench`), so nothing is made that nobody needs.

What steps, the bench and plans know of one another stands here, as protocols: rows, steps and
the workbench import this module, and it imports none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from effbench.store.digests import digest_of
from effbench.work.effort import Work

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact
    from effbench.store.digests import Digests
    from effbench.work.progress import Progress


FORMAT = 2
"""In every key: raised when the harness itself makes other bytes of the same facts."""


_KEY = "_key"


class Step(Protocol):
    """One unit of work whose result is kept under a key."""

    @property
    def kind(self) -> str:
        """Folder of the store, such as ``encode``."""

    @property
    def label(self) -> str:
        """What the user sees while it runs."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What decides the bytes, the inputs aside."""

    @property
    def inputs(self) -> tuple[Step, ...]:
        """The steps whose artifacts it reads."""

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Whose code makes it, that of its inputs aside."""

    def work(self, known: Known) -> Work:
        """Return what it takes, as far as that is known."""

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        """Fill the artifact; return what its manifest shall say."""


class Corpus(Protocol):
    """A dataset as far as its docs are counted."""

    @property
    def corpus_key(self) -> str:
        """Says what the docs are, among the datasets of all plugins."""

    def docs_count(self) -> int | None:
        """Return how many docs there are, if the dataset knows."""


class Recipe(Protocol):
    """A row, as far as the bench makes it: an encoder, an index, a trainer."""

    @property
    def key(self) -> str:
        """Tells instances apart."""

    @property
    def corpus_facts(self) -> Mapping[str, Any]:
        """What decides its corpus vectors."""

    def make(self, bench: Bench) -> Any:
        """Make the instance."""


class Known(Protocol):
    """What can be known without work: see `effbench.plan.costs`."""

    device: str | None
    """That of rows which name none."""

    def docs(self, dataset: Corpus) -> int | None:
        """Return how many docs a dataset has."""

    def width(self, row: Recipe) -> int | None:
        """Return how wide the vectors of an encoder's row are."""

    def said(self, step: Step, name: str) -> int | None:
        """Return a number that the manifest of a finished step holds."""


class Bench(Protocol):
    """Where steps are made, as far as steps and rows use it."""

    device: str | None
    """That of rows which name none."""

    trusting: bool
    """Whether finished files are taken for whole, since another process has checked them."""

    docs_totals: dict[str, int | None]
    """Corpus key -> how many docs it has, as far as that is known."""

    @property
    def progress(self) -> Progress:
        """Who is told of the work."""

    @property
    def digests(self) -> Digests:
        """Digests of files, remembered."""

    def artifact(self, step: Step) -> Artifact:
        """Return the step's finished artifact, made now if need be."""

    def instance(self, row: Recipe) -> Any:
        """Return the row's encoder, made now unless it is still open."""

    def opened(self, step: Opens) -> Any:
        """Return the index or system of a step, ready to search."""

    def distrust(self) -> None:
        """Look again whether what is finished is whole, before it is used next."""


class Opens(Step, Protocol):
    """A step whose artifact comes back as something that searches."""

    def open(self, bench: Bench) -> Any:
        """Return it, loaded or built again."""


def key_of(step: Step) -> str:
    """Return the step's content key: equal keys, equal bytes."""
    kept = vars(step)  # a step never changes: its key is reckoned once, as a cached property
    if _KEY not in kept:
        inputs = [key_of(read) for read in step.inputs]
        facts = {"format": FORMAT, "kind": step.kind, "facts": step.facts, "inputs": inputs}
        kept[_KEY] = digest_of(facts)
    key: str = kept[_KEY]
    return key


def made_together(step: Step) -> bool:
    """Tell whether the processes of torchrun make a step together: only trainings say so."""
    return getattr(step, "together", False) is True


def all_steps(steps: tuple[Step, ...]) -> dict[str, Step]:
    """Return key -> step for ``steps`` and all they read from, inputs first."""
    by_key: dict[str, Step] = {}

    def add(step: Step) -> None:
        key = key_of(step)
        if key not in by_key:
            for read in step.inputs:
                add(read)
            by_key[key] = step

    for step in steps:
        add(step)
    return by_key
