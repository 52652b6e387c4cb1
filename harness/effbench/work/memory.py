"""What runs learn on the way and plans want to know: sizes of corpora, widths, paces.

Each is a small file of the store, named by a digest of what it is about. It is only a memory:
one that is lost, or that could not be written, is learned again by the next run.
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
"""Of a store, beside the folders of its steps."""

_FEW = 10
"""What was so many times smaller tells less of a pace than what was measured before."""


_Some: TypeAlias = Annotated[int, Meta(ge=1, le=2**53)]


class Pace(Struct, frozen=True):
    """How long a step took here, and what it wrote."""

    label: Name
    """The step's."""

    amount: _Some
    seconds: Positive
    volume: _Some
    bytes: Count

    def takes(self, amount: int) -> float:
        """Return the seconds that so many units take."""
        return self.seconds * amount / self.amount

    def writes(self, volume: int) -> int:
        """Return the bytes that so much comes to."""
        return self.bytes * volume // self.volume


class _Docs(Struct, frozen=True):
    docs: Count


class _Width(Struct, frozen=True):
    width: _Some


class _Amount(Struct, frozen=True):
    amount: _Some


@dataclass
class Memory:
    """What is remembered in the folder ``root`` of a store."""

    root: Path
    _read: dict[str, Any] = field(default_factory=dict)

    def docs(self, dataset: Corpus) -> int | None:
        """Return how many docs the corpus had when it was read."""
        known = self._of(["docs", dataset.corpus_key], _Docs)
        return known.docs if known else None

    def width(self, row: Recipe) -> int | None:
        """Return how wide the vectors were that the row has made."""
        known = self._of(["width", row.corpus_facts], _Width)
        return known.width if known else None

    def amount(self, key: str) -> int | None:
        """Return how much the step of a key has read, which may be gone."""
        known = self._of(["amount", key], _Amount)
        return known.amount if known else None

    def pace(self, like: object) -> Pace | None:
        """Return how long a step of an equal ``like`` took on this machine."""
        if not self.root.is_dir():  # what the machine is takes a while to find out
            return None
        return self._of(["pace", self._machine, like], Pace)

    def learn_docs(self, dataset: Corpus, docs: int) -> None:
        """Remember how many docs a corpus has."""
        self._learn(["docs", dataset.corpus_key], _Docs(docs))

    def learn_width(self, row: Recipe, width: int) -> None:
        """Remember how wide the vectors of an encoder's row are."""
        self._learn(["width", row.corpus_facts], _Width(width))

    def learn_amount(self, key: str, amount: int) -> None:
        """Remember how much the step of a key reads."""
        self._learn(["amount", key], _Amount(amount))

    def learn_pace(self, like: object, pace: Pace) -> None:
        """Remember how long a step took, unless a much larger one is remembered."""
        known = self.pace(like)
        if known is None or pace.amount * _FEW >= known.amount:
            self._learn(["pace", self._machine, like], pace)

    @cached_property
    def _machine(self) -> str:
        return facts.name()  # finding out takes a while

    def _of(self, about: object, kind: type[T]) -> T | None:
        name = digest_of(about)
        if name not in self._read:
            path = self.root / f"{name}.json"
            try:
                self._read[name] = typed(read_sealed(path), kind, path)
            except EffbenchError:
                self._read[name] = None
        found: T | None = self._read[name]
        return found

    def _learn(self, about: object, what: Struct) -> None:
        if self._of(about, type(what)) == what:
            return
        name = digest_of(about)
        with contextlib.suppress(DiskError):
            write_json(self.root / f"{name}.json", asdict(what))
        self._read[name] = what
