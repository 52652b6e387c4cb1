"""A dataset of a suite: its keys, and its parts as they are read; mistakes name its plugin."""

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
from effbench.guard.blame import blamed, blamed_items
from effbench.offers.plugins import Offer
from effbench.store.digests import digest_of
from effbench.work.declared import Declared, asked, declared, splits_of

T = TypeVar("T")

_ABSENT = object()


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

    def counted_docs(self) -> int | None:
        """Return how many docs it counts quickly; what goes wrong, reading them says."""
        dataset: Any = self.dataset
        with contextlib.suppress(EffbenchError), blamed(self.who):
            if isinstance(dataset, Countable):
                count = dataset.count_docs()
                return None if count is None else operator.index(count)
        return None

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
        yield from blamed_items(items, self.who, take)
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


class Named:
    """A dataset as another one gets it (`cut` its whole): what it raises names it.

    Its class is that of the dataset for whoever asks with `isinstance`.
    """

    def __init__(self, dataset: object, who: str) -> None:
        self._dataset, self._who = dataset, who

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._dataset)

    def __getattr__(self, name: str) -> Any:
        value = asked(self._dataset, name, self._who, _ABSENT)
        if value is _ABSENT:
            raise AttributeError(name)
        return partial(self._called, value) if callable(value) else value

    def _called(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        with blamed(self._who):
            answer = method(*arguments, **options)
        if not isinstance(answer, Iterator):
            return answer
        return blamed_items(lambda: answer, self._who, lambda item: item)
