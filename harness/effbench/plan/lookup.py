"""The lookup of rows by name: finds the variants of rows that a name means in a scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.plan.ready import Entries
from effbench.plan.suite import Entry
from effbench.plan.variants import Choices, Fork, Meant, Variant
from effbench.text.suggestions import suggest
from effbench.work.rows import NOUNS


class Lookup:
    """Finds variants by name; remembers which variants a name meant in which scope."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._meant: dict[Any, Meant] = {}

    def find(
        self,
        section: str,
        name: Any,
        plugin: str | None,
        target: Any,
        variants_of: Callable[[Entry], Sequence[Variant]],
        chosen: Choices,
    ) -> Variant:
        """Return the variant that a name means in a row of ``plugin``.

        ``target`` identifies the dataset for which ``variants_of`` returns an entry's variants.

        Raises:
            EffbenchError: there is none; the message suggests a name.
            Fork: it is a family, and no member is chosen.

        """
        key = section, str(name), plugin, target
        if key not in self._meant:
            self._meant[key] = Meant(name, self._variants(section, name, plugin, variants_of))
        fitting = self._meant[key].fitting(chosen)
        if len(fitting) > 1:
            raise Fork([variant.chosen for variant in fitting])
        if not fitting:
            raise EffbenchError(
                f"{NOUNS[section]} {name!r} was swept together with a row that is named here "
                "too, and they have no setting in common (name the members)"
            )
        return fitting[0]

    def names(self, section: str, word: str, plugin: str | None) -> bool:
        """Tell whether a word is the name of a row, or of a member of its family."""
        return word.partition(" ")[0] in self._entries.families(section, plugin)

    def _variants(
        self,
        section: str,
        name: Any,
        plugin: str | None,
        variants_of: Callable[[Entry], Sequence[Variant]],
    ) -> list[Variant]:
        """Return the variants that a name means, those of the same plugin first."""
        families = self._entries.families(section, plugin)
        like = families.get(str(name).partition(" ")[0], ())  # no family's name has a blank
        known: list[str] = []
        for source in dict.fromkeys(entry.plugin for entry in like):
            of_source = [entry for entry in like if entry.plugin == source]
            named = [entry for entry in of_source if name == entry.name] or of_source
            variants = [variant for entry in named for variant in variants_of(entry)]
            if meant := list(_called(name, variants)):
                return meant
            known += [variant.name for variant in variants]
        hint = suggest(str(name), known or families)
        raise EffbenchError(f"no row {name!r} in {section} ({hint})")


def _called(name: Any, variants: Sequence[Variant]) -> Iterator[Variant]:
    for variant in variants:
        if name in (variant.entry.family, variant.entry.name, variant.name):
            yield variant
