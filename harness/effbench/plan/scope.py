"""The scope of a dataset: looks up offers (or says which is unknown), and resolves rows."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from effbench.api.encoders import ModelId
from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed
from effbench.offers.plugins import Offer, Plugins
from effbench.offers.schema import Option
from effbench.plan.lineage import refuse_strangers
from effbench.plan.located import Mistakes
from effbench.plan.suite import Entry, Suite
from effbench.steps.train import Train
from effbench.store.digests import Digests
from effbench.text.raised import message_of
from effbench.text.suggestions import suggest
from effbench.work.datasets import DatasetRow
from effbench.work.options import Argument, Input, plain_argument, resolve
from effbench.work.rows import KINDS, Row
from effbench.work.step import key_of

NO_TARGET = "'target' and 'others' mean datasets of a cell; there is none here"

Problem = tuple[tuple[str, ...], str]
"""Where in a row a mistake is, and the message."""


class UnfitOptions(EffbenchError):
    """The options of a row are wrong; ``problems`` has the place and message of each."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(": ".join((*place, text)) for place, text in problems))


@dataclass(eq=False)
class Scope:
    """What the entries of a suite mean for a dataset, the ``target``: its rows and datasets.

    Each dataset has a scope, which resolves the rows again. A row that uses the word ``target``
    is different for each dataset, and so are the keys of its steps. All else is equal.
    """

    suite: Suite
    mistakes: Mistakes
    plugins: Plugins
    beside: Path
    """The folder in which relative paths start."""

    digests: Digests
    refer: Callable[[Scope, Any, Any], Input | DatasetRow]
    """Called with a scope, an annotation and a value that names rows or data."""

    target: DatasetRow | None = None
    """None while the datasets of the suite are opened."""

    datasets: Callable[[], Sequence[DatasetRow]] = tuple
    """Returns the datasets of the suite; reads them if they have not been read."""

    remarks: dict[str, None] = field(default_factory=dict)
    """Remarks for the user on ready rows that cannot run here, each once."""

    _scopes: dict[tuple[str, str, str], Scope] = field(default_factory=dict)
    _rows: dict[tuple[str, str], Row | None] = field(init=False, default_factory=dict)
    _open: list[tuple[str, str]] = field(init=False, default_factory=list)

    def of(self, target: DatasetRow) -> Scope:
        """Return the scope of a dataset."""
        key = (target.name, target.corpus_key, target.key)
        if key not in self._scopes:
            self._scopes[key] = replace(self, target=target)
        return self._scopes[key]

    def needed_target(self) -> DatasetRow:
        """Return the target.

        Raises:
            EffbenchError: the scope has no target.

        """
        if self.target is None:
            raise EffbenchError(NO_TARGET)
        return self.target

    def unrelated_datasets(self) -> list[DatasetRow]:
        """Return the datasets of the suite that share no collection with the target.

        Raises:
            EffbenchError: the scope has no target.

        """
        corpora = self.needed_target().corpora
        return [dataset for dataset in self.datasets() if not dataset.corpora & corpora]

    def rows(self, section: str) -> list[Row]:
        """Return the rows of a section in the suite's order, except those with mistakes."""
        if section in self.suite.every:
            return list(self._ready(section))
        keys = [key for key in self.suite.rows if key[0] == section]
        return [row for row in map(self._row, keys) if row is not None]

    def row(self, section: str, name: Any) -> Row:
        """Return a row that another row names.

        Raises:
            EffbenchError: there is no such row, it depends on itself, or it has mistakes.

        """
        if not isinstance(name, str) or (section, name) not in self.suite.rows:
            known = [row for row_section, row in self.suite.rows if row_section == section]
            raise EffbenchError(f"no row {name!r} in {section} ({suggest(str(name), known)})")
        row = self._row((section, name))
        if row is None:
            message = f"{KINDS[section]} {name!r} has mistakes (mend those first)"
            self.mistakes.repeats(message)
            raise EffbenchError(message)
        return row

    def training(self, name: Any) -> Train:
        """Return the training of a row of ``models``.

        Raises:
            EffbenchError: as for `row`.

        """
        return Train(self.row("models", name), self.suite.rows["models", name].seed)

    def dataset(
        self, use: str, options: Mapping[str, Any], group: str | None = None
    ) -> DatasetRow:
        """Return the dataset of an offer with these options.

        Raises:
            UnfitOptions: it lists all mistakes of the options.
            EffbenchError: the plugin raises while it makes the dataset.

        """
        row = self._fitting("datasets", use, use, options)
        with blamed(row.who):
            dataset = row.offer.factory(**row.resolved.plain())
        again = partial(self.dataset, use, options, group)
        return DatasetRow(dataset, row.offer, row.resolved.datasets, group, again)

    def _row(self, key: tuple[str, str]) -> Row | None:
        """Return a row; None if it has mistakes, which are noted."""
        if key in self._open:
            rows = [*self._open[self._open.index(key) :], key]
            circle = " -> ".join(name for _, name in rows)
            raise EffbenchError(f"depends on itself: {circle} (name another row)")
        if key not in self._rows:
            self._open.append(key)
            self._rows[key] = self._resolved(self.suite.rows[key])
            self._open.pop()
        return self._rows[key]

    def _ready(self, section: str) -> Iterator[Row]:
        """Yield the ready rows of the plugins; remark on those that cannot run here."""
        for name, given in self.plugins.ready[section].items():
            options = {key: value for key, value in given.items() if key != "use"}
            try:
                yield self._fitting(section, name, str(given.get("use")), options)
            except UnfitOptions as error:
                why = "; ".join(message for _, message in error.problems)
                self.remarks[f"ready row {name!r} is left out: {why}"] = None

    def _resolved(self, entry: Entry) -> Row | None:
        try:
            row = self._fitting(entry.section, entry.name, entry.use, entry.options)
        except UnfitOptions as error:
            self._note(entry, error.problems)
            return None
        self._note(entry, _sweep_problems(entry, row.offer))
        search = {name: tuple(values) for name, values in entry.search.items()}
        row = replace(row, search=search)
        return row if entry.passages is None else self._with_passages(entry, row)

    def _with_passages(self, entry: Entry, row: Row) -> Row | None:
        try:
            passages = self.row("encoders", entry.passages)
            if passages.passages is not None:
                raise EffbenchError(
                    f"{passages.name!r} has no passages of its own (name a row that has some)"
                )
            if not entry.unchecked:
                refuse_strangers(row, passages)
        except EffbenchError as error:
            self._note(entry, [(("passages",), message_of(error))])
            return None
        return replace(row, passages=passages)

    def _note(self, entry: Entry, problems: Iterable[Problem]) -> None:
        for place, message in problems:
            self.mistakes.add((*entry.place, *place), message)

    def _fitting(self, section: str, name: str, use: str, options: Mapping[str, Any]) -> Row:
        """Return a row whose options fit its offer; raise `UnfitOptions` if they do not."""
        offer = self._offer(section, use)
        # a dataset gives its own key, so its files need no digest here
        digests = None if section == "datasets" else self.digests
        resolved, wrong = resolve(offer.options, options, partial(self._argument, digests))
        row = Row(name, offer, self.plugins.distribution(offer), options, resolved)
        if all(option in options and option not in offer.options for option, _ in wrong):
            try:  # known options may be wrong beside an unknown one
                row.check()
            except EffbenchError as error:
                wrong.append(("", message_of(error)))
        if wrong:
            raise UnfitOptions([((key,) if key else (), message) for key, message in wrong])
        return row

    def _offer(self, section: str, use: str) -> Offer:
        """Return an offer that can be used here; raise `UnfitOptions` if there is none."""
        offer = self.plugins.offers.get((section, use))
        if offer is None:
            hint = self.plugins.hint(section, use)
            raise UnfitOptions([(("use",), f"nothing installed offers {use!r} ({hint})")])
        if missing := shlex.join(offer.missing):
            wanted = f"{use!r} needs more packages (pip install {missing})"
            raise UnfitOptions([(("use",), wanted)])
        return offer

    def _argument(self, digests: Digests | None, option: Option, value: Any) -> Argument:
        annotation = option.reference(value)
        if annotation is None:
            for name in value if isinstance(value, list) else [value]:
                named = ModelId in option.choices and ("models", str(name)) in self.suite.rows
                if named and not (self.beside / name).exists():  # it would pass as a hub id
                    raise EffbenchError(f"{name!r} is a row of models (write {{trained: ROW}})")
            return plain_argument(option, value, self.beside, digests)
        meaning = self.refer(self, annotation, value)
        if isinstance(meaning, Input):
            return meaning, [key_of(step) for step in meaning.steps]
        return meaning.named, (meaning.corpus_key, meaning.key)


def _sweep_problems(entry: Entry, offer: Offer) -> Iterator[Problem]:
    """Yield the mistakes of the search options that a row sweeps."""
    known = offer.search_options
    for name, values in entry.search.items():
        if name not in known:
            yield ("search", name), f"unknown search option ({suggest(name, known)})"
            continue
        for value in values:
            if mistake := known[name].mistake(value):
                yield ("search", name), mistake
