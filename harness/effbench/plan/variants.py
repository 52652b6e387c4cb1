"""Variants of a row: a row that names a swept row has a variant for each of its members.

A sweep makes a family of rows from one row, and a member for each combination of its values. An
option that names a family could mean each member. So the reading of the row's options stops
with a `Fork`, and is done again for each member, with that member chosen. A row that names two
families has a variant for each pair of their members, and a row that names such a row has them
too. Members that were made with different choices of the same family are never paired.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from effbench.plan.located import Place
from effbench.plan.suite import Entry
from effbench.work.rows import Row


class Family(NamedTuple):
    """A swept row: its section and name, and its plugin if it is a ready row."""

    plugin: str | None
    section: str
    name: str


Choices: TypeAlias = Mapping[Family, Mapping[str, str]]
"""Family -> the settings of the member that is chosen."""

Problem: TypeAlias = tuple[Place, str]
"""Where in a row a mistake is, and the message."""


class Variant(NamedTuple):
    """An entry of a suite, resolved with a choice of members of the families that it names."""

    entry: Entry
    name: str
    chosen: Choices
    row: Row | None
    """None if it has mistakes."""

    problems: Sequence[Problem]


class Meant:
    """The variants that a name means."""

    def __init__(self, name: str, variants: Iterable[Variant]) -> None:
        self.variants = list(variants)
        self._exact = [variant for variant in self.variants if variant.name == name]
        self._by_family: dict[Family, dict[Any, list[Variant]]] = {}

    def fitting(self, chosen: Choices) -> list[Variant]:
        """Return the variants that agree with the members that are chosen.

        The whole name of a variant means this variant, whatever is chosen.
        """
        return self._exact or [
            variant for variant in self._near(chosen) if agree(variant.chosen, chosen)
        ]

    def _near(self, chosen: Choices) -> list[Variant]:
        """Return some variants, with all that agree: thousands need not be compared."""
        for family, settings in chosen.items():
            if any(family in variant.chosen for variant in self.variants[:1]):
                by_settings = self._by_family.setdefault(family, {})
                if not by_settings:
                    for variant in self.variants:
                        key = _key(variant.chosen.get(family))
                        by_settings.setdefault(key, []).append(variant)
                return [*by_settings.get(_key(settings), ()), *by_settings.get(None, ())]
        return self.variants


def _key(settings: Mapping[str, str] | None) -> tuple[tuple[str, str], ...] | None:
    return None if settings is None else tuple(settings.items())


class Fork(Exception):
    """An option names a family, which is no mistake; ``choices`` has those of each member."""

    def __init__(self, choices: Sequence[Choices]) -> None:
        self.choices = choices


def own_choice(entry: Entry) -> Choices:
    """Return the choice that a member of a family is."""
    family = Family(entry.plugin, entry.section, entry.family)
    return {family: entry.settings} if entry.settings else {}


def agree(first: Choices, second: Choices) -> bool:
    """Tell whether two choices take the same member of each family that both name."""
    return all(second.get(family, settings) == settings for family, settings in first.items())


def settings_of(entry: Entry, chosen: Choices) -> dict[str, str]:
    """Return option -> label for all settings of a variant, those of the row itself first.

    If two families sweep options of the same name, the name of the second family stands before
    the option.
    """
    settings = dict(entry.settings)
    for family, option, label in _carried(chosen, own_choice(entry)):
        taken = option in settings
        settings[f"{family.name}.{option}" if taken else option] = label
    return settings


def _carried(chosen: Choices, without: Choices) -> Iterator[tuple[Family, str, str]]:
    for family, settings in chosen.items():
        if family not in without:
            for option, label in settings.items():
                yield family, option, label
