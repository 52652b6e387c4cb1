"""Memory of runs, for the estimates of plans: sizes of corpora, widths of vectors, paces.

Each fact is a small file in the cache; its name is a digest of its subject. A fact that is
lost, or that could not be written, is learned again by the next run.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import asdict

from effbench.api.errors import DiskError, EffbenchError
from effbench.machine import facts
from effbench.store.digests import digest_of
from effbench.store.disk import read_sealed, write_json
from effbench.store.door import Count, Name, Positive, typed

if TYPE_CHECKING:
    from effbench.work.step import Corpus, Recipe

T = TypeVar("T")

FOLDER = "learned"
"""A folder of the cache, beside the folders of the steps."""

_FEW = 10
"""A step that is so many times smaller than the remembered one does not replace its pace."""

_Positive: TypeAlias = Annotated[int, Meta(ge=1, le=2**53)]


class Pace(Struct, frozen=True):
    """The time that a step took on this machine, and the bytes that it wrote."""

    label: Name
    """The label of the step."""

    amount: _Positive
    seconds: Positive
    volume: _Positive
    bytes: Count

    def takes(self, amount: int) -> float:
        """Return the seconds for ``amount`` units."""
        return self.seconds * amount / self.amount

    def writes(self, volume: int) -> int:
        """Return the bytes for ``volume`` units."""
        return self.bytes * volume // self.volume


class _Docs(Struct, frozen=True):
    docs: Count


class _Width(Struct, frozen=True):
    width: _Positive


class _Amount(Struct, frozen=True):
    amount: _Positive


@dataclass
class Memory:
    """The facts that are remembered in the folder ``root``."""

    root: Path
    _read: dict[str, Any] = field(default_factory=dict)

    def docs(self, dataset: Corpus) -> int | None:
        """Return how many docs the corpus had when it was read."""
        fact = self._fact(["docs", dataset.corpus_key], _Docs)
        return fact.docs if fact else None

    def width(self, row: Recipe) -> int | None:
        """Return the width of the vectors that the row has made."""
        fact = self._fact(["width", row.corpus_facts], _Width)
        return fact.width if fact else None

    def amount(self, key: str) -> int | None:
        """Return the amount of work of the step with this key, even if it was deleted."""
        fact = self._fact(["amount", key], _Amount)
        return fact.amount if fact else None

    def pace(self, like: object) -> Pace | None:
        """Return the pace of a step with an equal ``like`` on this machine."""
        if not self.root.is_dir():  # to find out the machine takes a while
            return None
        return self._fact(["pace", self._machine, like], Pace)

    def learn_docs(self, dataset: Corpus, docs: int) -> None:
        """Remember the number of docs of a corpus."""
        self._learn(["docs", dataset.corpus_key], _Docs(docs))

    def learn_width(self, row: Recipe, width: int) -> None:
        """Remember the width of the vectors of an encoder's row."""
        self._learn(["width", row.corpus_facts], _Width(width))

    def learn_amount(self, key: str, amount: int) -> None:
        """Remember the amount of work of the step with this key."""
        self._learn(["amount", key], _Amount(amount))

    def learn_pace(self, like: object, pace: Pace) -> None:
        """Remember the pace of a step, unless that of a much larger step is remembered."""
        before = self.pace(like)
        if before is None or pace.amount * _FEW >= before.amount:
            self._learn(["pace", self._machine, like], pace)

    @cached_property
    def _machine(self) -> str:
        return facts.name()  # to find it out takes a while

    def _fact(self, about: object, kind: type[T]) -> T | None:
        name = digest_of(about)
        if name not in self._read:
            path = self.root / f"{name}.json"
            try:
                self._read[name] = typed(read_sealed(path), kind, path)
            except EffbenchError:
                self._read[name] = None
        fact: T | None = self._read[name]
        return fact

    def _learn(self, about: object, fact: Struct) -> None:
        if self._fact(about, type(fact)) == fact:
            return
        name = digest_of(about)
        with contextlib.suppress(DiskError):
            write_json(self.root / f"{name}.json", asdict(fact))
        self._read[name] = fact
