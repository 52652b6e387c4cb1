"""Rows: a suite's entries with their offers found and their options resolved."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from effbench.api.encoders import Dataset, Paired
from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed, drawn
from effbench.offers.plugins import Offer
from effbench.store.digests import digest_of
from effbench.work.datasets import Declared, Named, declared, splits_of
from effbench.work.options import Input, Resolved, changed

if TYPE_CHECKING:
    from effbench.work.step import Bench, Step

T = TypeVar("T")

KINDS = {
    "datasets": "dataset",
    "models": "model",
    "encoders": "encoder",
    "retrievers": "retriever",
    "indexes": "index",
}


@dataclass(frozen=True)
class Row:
    """An encoder, retriever or index of a suite, ready to be made."""

    name: str
    offer: Offer
    distribution: str
    given: Mapping[str, Any]
    resolved: Resolved
    passages: Row | None = None
    search: Mapping[str, tuple[Any, ...]] | None = None

    @property
    def who(self) -> str:
        """How messages name the row: its section, name and plugin."""
        return f"{KINDS[self.offer.section]} {self.name!r} (plugin {self.offer.plugin})"

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps whose artifacts its options open."""
        return tuple(step for given in self.resolved.inputs.values() for step in given.steps)

    @property
    def corpus_facts(self) -> dict[str, Any]:
        """What decides the row's corpus vectors (or its index)."""
        return {**self._offer_facts(), "options": dict(self.resolved.corpus_facts)}

    @property
    def query_facts(self) -> dict[str, Any]:
        """What decides the row's query vectors."""
        return {**self._offer_facts(), "options": dict(self.resolved.query_facts)}

    def pace(self, device: str | None) -> dict[str, Any]:
        """Return what decides how fast it is: options of speed too, but no data by name.

        Of a trained model it is how that was made; ``device`` is that of rows that name none.
        """
        options = {
            name: self.resolved.query_facts.get(name, str(value))
            for name, value in self.resolved.arguments.items()
            if not isinstance(value, Input)
        }
        if device and self._takes_device:
            options["device"] = device
        models = [step.row.pace(device) for step in self.steps if step.kind == "model"]  # type: ignore[attr-defined]
        return {**self._offer_facts(), "options": options, "models": models}

    @cached_property
    def key(self) -> str:
        """Tells instances apart: rows of equal keys (and names) make equal instances."""
        return digest_of([self.name, self.query_facts])

    def make(self, bench: Bench) -> Any:
        """Make the instance; the bench's device holds unless the suite says another."""
        for path in changed(self.offer.options, self.resolved, bench.digests):
            raise EffbenchError(f"{self.who}: {path} has changed since the plan (run again)")
        arguments = self.resolved.plain()
        for name, given in self.resolved.inputs.items():
            arguments[name] = given.open(bench)
        if bench.device and self._takes_device:
            arguments["device"] = bench.device
        with blamed(self.who):
            return self.offer.factory(**arguments)

    @property
    def _takes_device(self) -> bool:
        return "device" in self.offer.options and "device" not in self.given

    def _offer_facts(self) -> dict[str, Any]:
        return {
            "use": self.offer.name,
            "plugin": self.offer.plugin,
            "version": self.offer.version,
        }


@dataclass(frozen=True)
class DatasetRow:
    """A dataset of a suite, and the group whose mean it enters."""

    dataset: Dataset
    """The plugin's object: read through this row, which says whose mistakes are whose."""

    offer: Offer
    within: tuple[tuple[str, str], ...] = ()
    """The keys of the datasets that its options name, such as the whole of a cut."""

    group: str | None = None
    again: Callable[[], DatasetRow] | None = field(default=None, compare=False, repr=False)
    """Makes it once more, from its files as they are then."""

    declared: Declared = field(init=False)
    """What it says of itself."""

    def __post_init__(self) -> None:
        who = f"dataset {self.offer.name!r} (plugin {self.offer.plugin})"
        object.__setattr__(self, "declared", declared(self.dataset, who))

    @property
    def name(self) -> str:
        """The dataset's name in tables."""
        return self.declared.dataset_id

    @property
    def who(self) -> str:
        """How messages name the dataset: its name and plugin."""
        return f"dataset {self.name!r} (plugin {self.offer.plugin})"

    @cached_property
    def corpus_key(self) -> str:
        """Says what the docs are, among the datasets of all plugins."""
        return self._key(self.declared.corpus_key)

    @cached_property
    def key(self) -> str:
        """Says what queries and judgments are, among the datasets of all plugins."""
        return self._key(self.declared.key)

    @property
    def parts(self) -> frozenset[tuple[str, str]]:
        """(Corpus key, key) of all that it is made of, or a part of, as plugins say them."""
        return self.declared.parts

    @property
    def corpora(self) -> frozenset[str]:
        """The keys of the collections that its docs are of."""
        return frozenset(corpus for corpus, _ in self.parts)

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The splits of its corpus that it knows of."""
        return splits_of(self.dataset, self.who)

    @property
    def named(self) -> Any:
        """The dataset as another one gets it."""
        return Named(self.dataset, self.who)

    def docs(self, take: Callable[[Any], T]) -> Iterator[T]:
        """Yield what ``take`` makes of each doc."""
        return self._read(lambda: self.dataset.docs(), take)

    def docs_count(self) -> int | None:
        """Return how many docs there are, if the dataset knows."""
        with blamed(self.who):
            count = self.dataset.docs_count()
            return None if count is None else operator.index(count)

    def queries(self, take: Callable[[Any], T]) -> Iterator[T]:
        """Yield what ``take`` makes of each query."""
        return self._read(lambda: self.dataset.queries(), take)

    def qrels(self, take: Callable[[Any], T]) -> Iterator[T]:
        """Yield what ``take`` makes of each judgment."""
        return self._read(lambda: self.dataset.qrels(), take)

    def docpairs(self, take: Callable[[Any], T]) -> Iterator[T]:
        """Yield what ``take`` makes of each training pair.

        Raises:
            EffbenchError: the dataset has none.

        """
        dataset: Any = self.dataset
        with blamed(self.who):
            paired = isinstance(dataset, Paired)
        if not paired:
            raise EffbenchError(f"examples: {self.name} has no docpairs (say judgments)")
        return self._read(lambda: dataset.docpairs(), take)

    def split(self, name: str) -> DatasetRow:
        """Return a split of the dataset, which is one of `Split`."""
        with blamed(self.who):
            dataset = self.dataset.split(name)  # type: ignore[attr-defined]
        whole = self.again
        again = None if whole is None else lambda: whole().split(name)
        return replace(self, dataset=dataset, group=None, again=again)

    def _read(
        self, items: Callable[[], Iterator[Any]], take: Callable[[Any], T]
    ) -> Iterator[T]:
        """Yield what the dataset yields, which must be what its keys say all the time.

        ``items`` looks up the dataset's method, too, which may raise.
        """
        self._check()
        yield from drawn(items, self.who, take)
        self._check()

    def _check(self) -> None:
        if self.again is None:
            return
        now = self.again()
        if (now.corpus_key, now.key) != (self.corpus_key, self.key):
            raise EffbenchError(f"{self.who}: its data has changed since the plan (run again)")

    def _key(self, said: str) -> str:
        """Return a key for what the dataset says itself: another plugin may say the same."""
        return digest_of([self.offer.plugin, self.offer.version, self.within, said])


def trainable(row: DatasetRow) -> list[tuple[DatasetRow, bool]]:
    """Return what one may train on to search a collection, and whether it is a train split.

    The train split if the dataset knows of one, or else its dev and test splits or itself: to
    train on what is measured, which records say (`effbench.plan.lineage`). So does soft prompt
    transfer get a prompt for each dataset of BEIR.
    """
    if not row.splits:
        return [(row, False)]
    is_train = "train" in row.splits
    names = ["train"] if is_train else row.splits
    return [(row.split(name), is_train) for name in names]
