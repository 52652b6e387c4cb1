"""Ready rows of plugins as entries, which a suite may take beside its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from effbench.plan.entries import entries_of
from effbench.plan.located import Place
from effbench.plan.suite import Entry


class ReadyEntries(NamedTuple):
    """The entries of all ready rows, and remarks on those that no suite could say."""

    entries: tuple[Entry, ...]
    remarks: tuple[str, ...]


class _Remarks:
    """Remarks on the form of a ready row."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.texts: list[str] = []

    def add(self, place: Place, message: str) -> None:
        """Note what is wrong at a place, such as ("encoders", "student", "passages")."""
        dotted = ".".join(map(str, place))
        self.texts.append(f"plugin {self.plugin!r}: ready row {dotted}: {message}")


def ready_entries(ready: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> ReadyEntries:
    """Return the entries of ready rows, given as plugin -> section -> name -> row."""
    entries: list[Entry] = []
    remarks: list[str] = []
    for plugin, sections in ready.items():
        for section, rows in sections.items():
            for name, row in rows.items():
                noted = _Remarks(plugin)
                of_row = list(entries_of(section, name, dict(row), noted, plugin))
                entries += () if noted.texts else of_row
                remarks += noted.texts
    return ReadyEntries(tuple(entries), tuple(remarks))
