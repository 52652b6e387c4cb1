"""Rows: a suite's entries with their offers found and their options resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from effbench.api import Dataset
from effbench.options import Resolved, options_of
from effbench.plugins import Offer


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
        kind = {"encoders": "encoder", "retrievers": "retriever", "indexes": "index"}
        return f"{kind[self.offer.section]} {self.name!r} (plugin {self.offer.plugin})"

    @property
    def corpus_facts(self) -> dict[str, Any]:
        """What decides the row's corpus vectors (or its index)."""
        return {**self._offer_facts(), "options": dict(self.resolved.corpus_facts)}

    @property
    def query_facts(self) -> dict[str, Any]:
        """What decides the row's query vectors."""
        return {**self._offer_facts(), "options": dict(self.resolved.query_facts)}

    def make(self, device: str | None) -> Any:
        """Make the instance; ``device`` holds unless the suite says another."""
        arguments = dict(self.resolved.arguments)
        if device and "device" in options_of(self.offer.factory) and "device" not in self.given:
            arguments["device"] = device
        return self.offer.factory(**arguments)

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
    group: str | None

    @property
    def name(self) -> str:
        """The dataset's name in tables."""
        return self.dataset.dataset_id
