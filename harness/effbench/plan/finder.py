"""Find the rows of a suite: look up offers, resolve options, follow references."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed
from effbench.offers.plugins import Offer, Plugins
from effbench.plan.lineage import made_for
from effbench.plan.located import Mistakes
from effbench.plan.references import Domains, References
from effbench.plan.suite import Entry, Suite
from effbench.steps.train import Train
from effbench.text.raised import said
from effbench.text.suggestions import suggest
from effbench.work.options import Resolver
from effbench.work.rows import KINDS, DatasetRow, Row

Problem = tuple[tuple[str, ...], str]
"""Where in a row something is wrong, and what."""


class UnfitOptions(EffbenchError):
    """What is wrong with a dataset's options: each with its place, together as one line."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(": ".join((*place, what)) for place, what in problems))


class Finder:
    """The rows of a suite, as the dataset ``target`` sees them.

    Rows are resolved for each dataset anew. One that depends on the word ``target`` comes out
    different each time, and so do the keys of its steps; all others come out equal.
    """

    def __init__(
        self,
        suite: Suite,
        mistakes: Mistakes,
        plugins: Plugins,
        resolver: Resolver,
        domains: Domains,
        target: DatasetRow | None = None,
    ) -> None:
        self.suite, self.mistakes, self.plugins = suite, mistakes, plugins
        references = References(self, resolver, target, domains)
        self.resolver = resolver._replace(refer=references.refer)
        self._entries = {
            (entry.section, entry.name): entry
            for entry in (*suite.models, *suite.encoders, *suite.retrievers, *suite.indexes)
        }
        self._rows: dict[tuple[str, str], Row | None] = {}
        self._open: list[tuple[str, str]] = []

    def rows(self, section: str) -> list[Row]:
        """Return the rows of a section that are without mistake, in the suite's order."""
        names = [name for where, name in self._entries if where == section]
        found = [self.row(section, name) for name in names]
        return [row for row in found if row is not None]

    def sound(self, section: str, name: Any) -> Row:
        """Return a row that another one names.

        Raises:
            EffbenchError: there is no such row, it depends on itself, or it has mistakes.

        """
        row = self.row(section, name)
        if row is None:
            message = f"{KINDS[section]} {name!r} has mistakes (mend those first)"
            self.mistakes.repeats(message)
            raise EffbenchError(message)
        return row

    def model(self, name: Any) -> Train:
        """Return the training of a row of ``models``.

        Raises:
            EffbenchError: as for `sound`.

        """
        return Train(self.sound("models", name), self._entries["models", name].seed)

    def row(self, section: str, name: str) -> Row | None:
        """Return a row, or None when it has mistakes (which are noted).

        Raises:
            EffbenchError: there is no such row, or it depends on itself.

        """
        key = (section, name)
        if not isinstance(name, str) or key not in self._entries:
            known = [other for where, other in self._entries if where == section]
            raise EffbenchError(f"no row {name!r} in {section} ({suggest(str(name), known)})")
        if key in self._open:
            circle = " -> ".join(n for _, n in [*self._open[self._open.index(key) :], key])
            raise EffbenchError(f"depends on itself: {circle} (name another row)")
        if key not in self._rows:
            self._open.append(key)
            self._rows[key] = self._resolve(self._entries[key])
            self._open.pop()
        return self._rows[key]

    def ready(self, section: str) -> tuple[list[Row], list[str]]:
        """Return the plugins' ready rows, and remarks on those that cannot run here."""
        rows, remarks = [], []
        for name, given in self.plugins.ready[section].items():
            options = {key: value for key, value in given.items() if key != "use"}
            row, problems = self._make(section, name, str(given.get("use")), options)
            if row is None:
                why = "; ".join(message for _, message in problems)
                remarks.append(f"ready row {name!r} is left out: {why}")
            else:
                rows.append(row)
        return rows, remarks

    def dataset(
        self, use: str, options: Mapping[str, Any], group: str | None = None
    ) -> DatasetRow:
        """Return a dataset.

        Raises:
            UnfitOptions: all that is wrong with its options, as one line.

        """
        row, problems = self._make("datasets", use, use, options)
        if row is None:
            raise UnfitOptions(problems)
        with blamed(row.who):
            dataset = row.offer.factory(**row.resolved.plain())
        again = partial(self.dataset, use, options, group)
        return DatasetRow(dataset, row.offer, row.resolved.datasets, group, again)

    def _resolve(self, entry: Entry) -> Row | None:
        row, problems = self._make(entry.section, entry.name, entry.use, entry.options)
        for place, message in problems:
            self.mistakes.add((*entry.place, *place), message)
        if row is None:
            return None
        self._check_sweep(entry, row.offer)
        search = {name: tuple(values) for name, values in entry.search.items()}
        row = replace(row, search=search)
        return row if entry.passages is None else self._with_passages(entry, row)

    def _with_passages(self, entry: Entry, row: Row) -> Row | None:
        try:
            passages = self.row("encoders", str(entry.passages))
            if passages is None:
                return None
            if passages.passages is not None:
                raise EffbenchError(
                    f"{passages.name!r} has no passages of its own (name a row that has some)"
                )
            if not entry.unchecked:
                _refuse_strangers(row, passages)
        except EffbenchError as error:
            self.mistakes.add((*entry.place, "passages"), said(error))
            return None
        return replace(row, passages=passages)

    def _make(
        self, section: str, name: str, use: str, options: Mapping[str, Any]
    ) -> tuple[Row | None, list[Problem]]:
        """Return the row, or None and what is wrong, each with the place inside the row."""
        offers = self.plugins.named(section)
        offer = offers.get(use)
        if offer is None:
            hint = f"{suggest(use, offers)}{self._broken()}"
            return None, [(("use",), f"nothing installed offers {use!r} ({hint})")]
        missing = shlex.join(offer.missing)
        if missing:
            return None, [(("use",), f"{use!r} needs more packages (pip install {missing})")]
        # a dataset says itself what it holds: its files are not read for a digest here
        resolver = (
            self.resolver._replace(digests=None) if section == "datasets" else self.resolver
        )
        resolved, problems = resolver.resolve(offer.options, options)
        row = Row(name, offer, self.plugins.distribution(offer), options, resolved)
        if all(name in options and name not in offer.options for name, _ in problems):
            problems += _own_check(row)  # beside an unknown option the others may be wrong too
        found: list[Problem] = [((p,) if p else (), message) for p, message in problems]
        return (None if found else row), found

    def _broken(self) -> str:
        """Say that the offer that is wanted may be that of a broken plugin."""
        names = ", ".join(repr(plugin.name) for plugin in self.plugins.broken())
        return f"; effbench plugins says why {names} is broken" if names else ""

    def _check_sweep(self, entry: Entry, offer: Offer) -> None:
        if not entry.search:
            return
        known = offer.search_options
        for name, values in entry.search.items():
            place = (*entry.place, "search", name)
            if name not in known:
                self.mistakes.add(place, f"unknown search option ({suggest(name, known)})")
                continue
            for value in values:
                if mistake := known[name].mistake(value):
                    self.mistakes.add(place, mistake)


def _own_check(row: Row) -> Iterator[tuple[str, str]]:
    """Yield what the offer's own check says of the options, if it has one."""
    if row.offer.check is None:
        return
    try:
        with blamed(row.who):
            row.offer.check(**row.resolved.plain())
    except EffbenchError as error:
        yield "", said(error)


def _refuse_strangers(row: Row, passages: Row) -> None:
    """Raise `EffbenchError` when a trained row was trained to find other passages."""
    wanted = made_for(row)
    if wanted is not None and wanted.corpus_facts != passages.corpus_facts:
        raise EffbenchError(
            f"the model was trained for passages of {wanted.name!r}, not of {passages.name!r} "
            f"(to search these anyway: passages: {{row: {passages.name}, unchecked: true}})"
        )
