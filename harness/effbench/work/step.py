"""Steps: what a suite's cells need, each with a content key and an artifact.

A step is a frozen dataclass with a ``kind``, a ``label``, the ``facts`` that decide its
bytes, the steps it reads from (``inputs``), and ``make``, which fills its folder. Steps pull
their inputs from the `Workbench`, so nothing is made that nobody needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from effbench.store.digests import digest_of

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact
    from effbench.work.effort import Known, Work
    from effbench.work.workbench import Workbench


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

    def make(self, artifact: Artifact, bench: Workbench) -> Mapping[str, Any]:
        """Fill the artifact; return what its manifest shall say."""


class Opens(Step, Protocol):
    """A step whose artifact comes back as something that searches."""

    def open(self, bench: Workbench) -> Any:
        """Return it, loaded or built again."""


def key_of(step: Step) -> str:
    """Return the step's content key: equal keys, equal bytes."""
    kept = vars(step)  # a step never changes: its key is reckoned once, as a cached property
    if _KEY not in kept:
        inputs = [key_of(one) for one in step.inputs]
        facts = {"format": FORMAT, "kind": step.kind, "facts": step.facts, "inputs": inputs}
        kept[_KEY] = digest_of(facts)
    key: str = kept[_KEY]
    return key


def made_together(step: Step) -> bool:
    """Tell whether the processes of torchrun make a step together: only trainings say so."""
    return getattr(step, "together", False) is True


def all_steps(steps: tuple[Step, ...]) -> dict[str, Step]:
    """Return key -> step for ``steps`` and all they read from, inputs first."""
    found: dict[str, Step] = {}

    def add(step: Step) -> None:
        key = key_of(step)
        if key not in found:
            for one in step.inputs:
                add(one)
            found[key] = step

    for step in steps:
        add(step)
    return found
