"""What runs learn on the way and plans want to know: sizes of corpora, widths, paces.

Each is a small file of the store, named by a digest of what it is about. It is only a memory:
one that is lost, or that could not be written, is learned again by the next run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench import machine
from effbench.content import digest_of
from effbench.errors import EffbenchError
from effbench.files import DiskError, read_sealed, write_json

if TYPE_CHECKING:
    from effbench.rows import DatasetRow, Row

FOLDER = "learned"
"""Of a store, beside the folders of its steps."""

_FEW = 10
"""What was so many times smaller tells less of a pace than what was measured before."""


class Pace(NamedTuple):
    """How long a step took here, and what it wrote."""

    label: str
    """The step's."""

    amount: int
    seconds: float
    volume: int
    bytes: int

    def takes(self, amount: int) -> float:
        """Return the seconds that so many units take."""
        return self.seconds * amount / self.amount

    def writes(self, volume: int) -> int:
        """Return the bytes that so much comes to."""
        return self.bytes * volume // self.volume


@dataclass
class Memory:
    """What is remembered in the folder ``root`` of a store."""

    root: Path
    _read: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def docs(self, dataset: DatasetRow) -> int | None:
        """Return how many docs the corpus had when it was read."""
        return self._of(["docs", dataset.corpus_key]).get("docs")

    def width(self, row: Row) -> int | None:
        """Return how wide the vectors were that the row has made."""
        return self._of(["width", row.corpus_facts]).get("width")

    def amount(self, key: str) -> int | None:
        """Return how much the step of a key has read, which may be gone."""
        return self._of(["amount", key]).get("amount")

    def pace(self, like: object) -> Pace | None:
        """Return how long a step of an equal ``like`` took on this machine."""
        if not self.root.is_dir():  # what the machine is takes a while to find out
            return None
        found = self._of(["pace", machine.name(), like])
        whole = found.keys() == set(Pace._fields)
        return Pace(*(found[name] for name in Pace._fields)) if whole else None

    def learn_docs(self, dataset: DatasetRow, docs: int) -> None:
        """Remember how many docs a corpus has."""
        self._learn(["docs", dataset.corpus_key], {"docs": docs})

    def learn_width(self, row: Row, width: int) -> None:
        """Remember how wide the vectors of an encoder's row are."""
        self._learn(["width", row.corpus_facts], {"width": width})

    def learn_amount(self, key: str, amount: int) -> None:
        """Remember how much the step of a key reads."""
        self._learn(["amount", key], {"amount": amount})

    def learn_pace(self, like: object, pace: Pace) -> None:
        """Remember how long a step took, unless a much larger one is remembered."""
        known = self.pace(like)
        if known is None or pace.amount * _FEW >= known.amount:
            self._learn(["pace", machine.name(), like], pace._asdict())

    def _of(self, about: object) -> Mapping[str, Any]:
        name = digest_of(about)
        if name not in self._read:
            try:
                self._read[name] = read_sealed(self.root / f"{name}.json")
            except EffbenchError:
                self._read[name] = {}
        return self._read[name]

    def _learn(self, about: object, what: Mapping[str, Any]) -> None:
        if self._of(about) == what:
            return
        name = digest_of(about)
        with contextlib.suppress(DiskError):
            write_json(self.root / f"{name}.json", what)
        self._read[name] = what
