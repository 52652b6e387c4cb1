"""A dataset of a suite: its keys, and its docs, queries and judgments as they are read."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, TypeVar

from effbench.api.data import Countable
from effbench.api.encoders import Dataset, Paired
from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed_for_all, blamed_items
from effbench.offers.plugins import Offer
from effbench.store.digests import digest_of
from effbench.work.declared import Declared, attribute_of, declared, splits_of
from effbench.work.rows import HubModel

T = TypeVar("T")

_ABSENT = object()


@dataclass(frozen=True)
class DatasetRow:
    """A dataset of a suite, and the group whose mean includes it."""

    dataset: Dataset
    """The plugin's object. Only this row calls it, so that errors name the plugin."""

    offer: Offer
    within: tuple[tuple[str, str], ...] = ()
    """The keys of the datasets that its options name, such as the dataset that `cut` cuts."""

    group: str | None = None
    again: Callable[[], DatasetRow] | None = field(default=None, compare=False, repr=False)
    """Makes the dataset again, from its files as they are then."""

    hub_models: tuple[HubModel, ...] = ()
    """The models of the hub that its options name."""

    declared: Declared = field(init=False)
    """The attributes of the plugin's object."""

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
        """Identifies the docs among the datasets of all plugins."""
        return self._key(self.declared.corpus_key)

    @cached_property
    def key(self) -> str:
        """Identifies the queries and judgments among the datasets of all plugins."""
        return self._key(self.declared.key)

    @property
    def parts(self) -> frozenset[tuple[str, str]]:
        """(corpus key, key) of all datasets that it is made of, or is a part of."""
        return self.declared.parts

    @property
    def corpora(self) -> frozenset[str]:
        """The keys of the collections from which its docs come."""
        return frozenset(corpus for corpus, _ in self.parts)

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that it knows."""
        return splits_of(self.dataset, self.who)

    @property
    def named(self) -> Any:
        """The dataset as another dataset gets it, when it is the value of an option."""
        return Named(self.dataset, self.who)

    def docs(self, take: Callable[[Any], T]) -> Iterator[T]:
        """Yield ``take(doc)`` for each doc."""
        return self._read(lambda: self.dataset.docs(), take)

    def docs_count(self) -> int | None:
        """Return how many docs there are; None if the dataset does not know."""
        docs_count = attribute_of(self.dataset, "docs_count", self.who)
        with blamed_for_all(self.who):
            count = docs_count()
            return None if count is None else operator.index(count)

    def counted_docs(self) -> int | None:
        """Return how many docs its quick count gives; None if it has none, or it fails."""
        dataset: Any = self.dataset
        with contextlib.suppress(EffbenchError), blamed_for_all(self.who):
            if isinstance(dataset, Countable):
                count = dataset.count_docs()
                return None if count is None else operator.index(count)
        return None

    def queries(self, take: Callable[[Any], T]) -> Iterator[T]:
        """Yield ``take(query)`` for each query."""
        return self._read(lambda: self.dataset.queries(), take)

    def qrels(self, take: Callable[[Any], T]) -> Iterator[T]:
        """Yield ``take(qrel)`` for each judgment."""
        return self._read(lambda: self.dataset.qrels(), take)

    def docpairs(self, take: Callable[[Any], T]) -> Iterator[T]:
        """Yield ``take(docpair)`` for each training pair.

        Raises:
            EffbenchError: the dataset has no training pairs.

        """
        dataset: Any = self.dataset
        with blamed_for_all(self.who):
            has_docpairs = isinstance(dataset, Paired)
        if not has_docpairs:
            raise EffbenchError(f"examples: {self.name} has no docpairs (say judgments)")
        return self._read(lambda: dataset.docpairs(), take)

    def split(self, name: str) -> DatasetRow:
        """Return a split of the dataset; only a dataset with ``splits`` has them."""
        with blamed_for_all(self.who):
            dataset = self.dataset.split(name)  # type: ignore[attr-defined]
        dataset_again = self.again
        again = None if dataset_again is None else lambda: dataset_again().split(name)
        return replace(self, dataset=dataset, group=None, again=again)

    def _read(
        self, items: Callable[[], Iterator[Any]], take: Callable[[Any], T]
    ) -> Iterator[T]:
        """Yield ``take(item)`` for each item; refuse a dataset whose keys change meanwhile.

        ``items`` also looks up the dataset's method, since that may raise.
        """
        self._check()
        yield from blamed_items(items, self.who, take)
        self._check()

    def _check(self) -> None:
        if self.again is None:
            return
        now = self.again()
        if (now.corpus_key, now.key) != (self.corpus_key, self.key):
            raise EffbenchError(f"{self.who}: its data has changed since the plan (run again)")

    def _key(self, key: str) -> str:
        """Return a key that holds the plugin too: another plugin may give the same key."""
        return digest_of([self.offer.plugin, self.offer.version, self.within, key])


def trainable(row: DatasetRow) -> list[tuple[DatasetRow, bool]]:
    """Return the datasets to train on for a collection, each with whether it is a train split.

    It is the train split if the dataset has one, or else all its splits, or the dataset itself.
    A model may then be trained on the data that measures it; its record says so
    (`effbench.plan.lineage`). Soft prompt transfer needs this, for all datasets of BEIR.
    """
    if not row.splits:
        return [(row, False)]
    is_train = "train" in row.splits
    names = ["train"] if is_train else row.splits
    return [(row.split(name), is_train) for name in names]


class Named:
    """A dataset that is given to another dataset, such as `cut`; its errors name it.

    `isinstance` takes it for an object of the dataset's class.
    """

    def __init__(self, dataset: object, who: str) -> None:
        self._dataset, self._who = dataset, who

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._dataset)

    def __getattr__(self, name: str) -> Any:
        value = attribute_of(self._dataset, name, self._who, _ABSENT)
        if value is _ABSENT:
            raise AttributeError(name)
        return partial(self._called, value) if callable(value) else value

    def _called(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        with blamed_for_all(self._who):
            answer = method(*arguments, **options)
        if not isinstance(answer, Iterator):
            return answer
        return blamed_items(lambda: answer, self._who, lambda item: item)
