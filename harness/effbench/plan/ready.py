"""Ready rows of plugins as entries, and the entries that a name of a row can mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from effbench.plan.entries import entries_of
from effbench.plan.located import Place
from effbench.plan.suite import Entry, Suite


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


@dataclass(frozen=True)
class Entries:
    """All entries of a suite: its own, and the ready ones of plugins."""

    suite: Suite
    ready: tuple[Entry, ...]
    _families: dict[Any, dict[str, list[Entry]]] = field(default_factory=dict)

    def listed(self, section: str) -> Iterator[Entry]:
        """Yield the entries that are rows of the suite: its own first, then the ready ones.

        A row of the suite stands in the place of a ready row with the same name.
        """
        named = self.suite.entries(section)
        yield from named
        plugins: dict[str, str | None] = dict.fromkeys(entry.family for entry in named)
        ready = (entry for entry in self.ready if entry.section == section)
        for entry in ready if section in self.suite.every else ():
            # two plugins may have the same ready row
            if plugins.setdefault(entry.family, entry.plugin) == entry.plugin:
                yield entry

    def families(self, section: str, plugin: str | None) -> Mapping[str, Sequence[Entry]]:
        """Return family -> its entries, of those that are `visible`."""
        key = section, plugin
        if key not in self._families:
            families = self._families[key] = dict[str, list[Entry]]()
            for entry in self.visible(section, plugin):
                families.setdefault(entry.family, []).append(entry)
        return self._families[key]

    def visible(self, section: str, plugin: str | None) -> Iterator[Entry]:
        """Yield the entries that a name can mean in a ready row of ``plugin``, its own first.

        ``plugin`` is None for a name in a row of the suite, which can also mean a model of a
        ready row.
        """
        ready = [entry for entry in self.ready if entry.section == section]
        yield from (entry for entry in ready if entry.plugin == plugin)
        listed = self.listed(section)
        yield from (entry for entry in listed if entry.plugin is None or entry.plugin != plugin)
        if plugin is None and section == "models":
            yield from ready
