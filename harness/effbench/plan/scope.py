"""The scope of a dataset: finds the rows that a suite names, and resolves them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from effbench.api.encoders import ModelId
from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed_for_all
from effbench.offers.plugins import Plugins
from effbench.offers.schema import Option
from effbench.plan.entries import MOST_SETTINGS, TOO_MANY, settings_label
from effbench.plan.fitting import UnfitOptions, fitting, search_problems
from effbench.plan.learned import Sources
from effbench.plan.lineage import refuse_strangers
from effbench.plan.located import Mistakes
from effbench.plan.lookup import Lookup
from effbench.plan.ready import Entries
from effbench.plan.suite import Entry, Suite
from effbench.plan.variants import (
    Choices,
    Fork,
    Problem,
    Variant,
    own_choice,
    settings_of,
)
from effbench.plan.vectors import problems_of, refuse_other_kind
from effbench.steps.train import Train
from effbench.text.raised import message_of
from effbench.work.datasets import DatasetRow
from effbench.work.options import Argument, Input, joined, plain_argument
from effbench.work.rows import NOUNS, Row

NO_TARGET = "'target' and 'others' mean datasets of a cell; there is none here"


@dataclass(eq=False)
class Scope:
    """What the entries of a suite mean for a dataset, the ``target``: its rows and datasets.

    Each dataset has a scope, which resolves the rows again. A row that uses the word ``target``
    is different for each dataset, and so are the keys of its steps. All else is equal.
    """

    suite: Suite
    entries: Entries
    lookup: Lookup
    mistakes: Mistakes
    plugins: Plugins
    beside: Path
    """The folder in which relative paths start."""

    sources: Sources
    refer: Callable[[Scope, Any, Any], Input | DatasetRow]
    """Called with a scope, an annotation and a value that names rows or data."""

    target: DatasetRow | None = None
    """None while the datasets of the suite are opened."""

    plugin: str | None = None
    """The plugin whose ready row is resolved; None for a row of the suite."""

    chosen: Choices = field(default_factory=dict)
    """The members of families that the row which is resolved means."""

    datasets: Callable[[], Sequence[DatasetRow]] = tuple
    """Returns the datasets of the suite; reads them if they have not been read."""

    left_out: dict[str, list[str]] = field(default_factory=dict)
    """Why a ready row is left out -> the names of the datasets for which it is."""

    _variants: dict[Any, list[Variant]] = field(default_factory=dict)
    _open: list[Any] = field(default_factory=list)

    def of(self, target: DatasetRow) -> Scope:
        """Return the scope of a dataset."""
        return replace(self, target=target)

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
        """Return the rows of a section in the suite's order, except those with mistakes.

        If the suite takes them, the ready rows of plugins follow. It is remarked which of
        these cannot run.
        """
        rows: list[Row] = []
        for entry in self.entries.listed(section):
            if len(rows) > MOST_SETTINGS:
                self.mistakes.add((section,), TOO_MANY)
                break
            for variant in self._variants_of(entry):
                if variant.row is not None:
                    rows.append(variant.row)
                elif entry.plugin is not None:
                    self._leave_out(variant)
        return rows

    def row(self, section: str, name: Any) -> Row:
        """Return a row that another row names.

        Raises:
            EffbenchError: there is no such row, it depends on itself, or it has mistakes.
            Fork: it is a family, and no member is chosen.

        """
        return self._named(section, name)[0]

    def training(self, name: Any) -> Train:
        """Return the training of a row of ``models``.

        Raises:
            EffbenchError: as for `row`.
            Fork: as for `row`.

        """
        row, entry = self._named("models", name)
        return Train(row, entry.seed)

    def dataset(
        self, use: str, options: Mapping[str, Any], group: str | None = None
    ) -> DatasetRow:
        """Return the dataset of an offer with these options.

        Raises:
            UnfitOptions: it lists all mistakes of the options.
            EffbenchError: the plugin raises while it makes the dataset.

        """
        return self.sources.dataset(
            use, options, group, lambda: self._dataset(use, options, group)
        )

    def _dataset(self, use: str, options: Mapping[str, Any], group: str | None) -> DatasetRow:
        # a dataset gives its own key, so its files need no digest here
        argument_of = partial(self._argument, partial(plain_argument, beside=self.beside))
        row = fitting(self.plugins, "datasets", use, use, options, argument_of)
        for name in row.resolved.inputs:  # {trained: ROW} in the place of a model
            raise UnfitOptions([((name,), "a dataset is read before any model is trained")])
        with blamed_for_all(row.who):
            dataset = row.offer.factory(**row.resolved.plain())
        again = partial(self._dataset, use, options, group)
        within, models = row.resolved.datasets, row.hub_models
        return DatasetRow(dataset, row.offer, within, group, again, models)

    def _named(self, section: str, name: Any) -> tuple[Row, Entry]:
        """Return the row of a name, with its entry; raise as `row`."""
        variant = self.lookup.find(
            section, name, self.plugin, self._of_target, self._variants_of, self.chosen
        )
        row, entry, problems = variant.row, variant.entry, variant.problems
        if row is None and entry.plugin is None:
            message = f"{NOUNS[section]} {name!r} has mistakes (mend those first)"
            self.mistakes.repeats(message)
            raise EffbenchError(message)
        if row is None:
            raise EffbenchError(f"{NOUNS[section]} {name!r}: {_text(problems)}")
        return row, entry

    @property
    def _of_target(self) -> Any:
        """What tells the scope of a dataset from those of others."""
        return self.target and (self.target.name, self.target.corpus_key, self.target.key)

    def _variants_of(self, entry: Entry) -> list[Variant]:
        """Return the variants of an entry, resolved once for each target."""
        key = (self._of_target, entry.plugin, entry.section, entry.name)
        if key in self._open:
            names = [*self._open[self._open.index(key) :], key]
            circle = " -> ".join(name for *_, name in names)
            raise EffbenchError(f"depends on itself: {circle} (name another row)")
        if key not in self._variants:
            self._open.append(key)
            scope = replace(self, plugin=entry.plugin, chosen=own_choice(entry))
            variants = list(islice(scope._resolved(entry), MOST_SETTINGS + 1))
            if len(variants) > MOST_SETTINGS:
                variants = [Variant(entry, entry.name, {}, None, [((), TOO_MANY)])]
            if entry.plugin is None:
                for variant in variants:
                    self._note(entry, variant.problems)
            self._variants[key] = variants
            self._open.pop()
        return self._variants[key]

    def _resolved(self, entry: Entry) -> Iterator[Variant]:
        """Yield the variants of an entry that fit the members chosen so far."""
        try:
            variant = self._variant(entry)
        except Fork as fork:
            for choices in fork.choices:
                chosen = {**self.chosen, **choices}
                yield from replace(self, chosen=chosen)._resolved(entry)
        else:
            yield variant

    def _variant(self, entry: Entry) -> Variant:
        settings = settings_of(entry, self.chosen)
        name = entry.family + settings_label(settings)
        argument_of = partial(self._argument, self.sources.argument)
        try:
            row = fitting(
                self.plugins,
                entry.section,
                name,
                entry.use,
                entry.options,
                argument_of,
                trusted=self.sources.pack is not None,
            )
        except UnfitOptions as error:
            return Variant(entry, name, self.chosen, None, error.problems)
        problems = list(search_problems(entry.search, row.offer))
        if entry.passages is None and row.offer.queries_only:
            problems.append(
                ((), f"{row.offer.name!r} encodes queries only (give passages: ROW)")
            )
        search = {option: tuple(values) for option, values in entry.search.items()}
        row = replace(
            row, search=search, family=entry.family, settings=settings, store=entry.store
        )
        problems += problems_of(row)
        if entry.passages is not None:
            try:
                row = self._with_passages(row, entry)
            except EffbenchError as error:
                problems.append((("passages",), message_of(error)))
                return Variant(entry, name, self.chosen, None, problems)
        unfit = problems and entry.plugin is not None
        return Variant(entry, name, self.chosen, None if unfit else row, problems)

    def _with_passages(self, row: Row, entry: Entry) -> Row:
        passages = self.row("encoders", entry.passages)
        if passages.passages is not None:
            raise EffbenchError(
                f"{passages.name!r} has no passages of its own (name a row that has some)"
            )
        refuse_other_kind(row, passages)
        if not entry.unchecked:
            refuse_strangers(row, passages)
        return replace(row, passages=passages)

    def _note(self, entry: Entry, problems: Sequence[Problem]) -> None:
        for place, message in problems:
            swept = ("sweep",) if place and place[0] in entry.settings else ()
            self.mistakes.add((*entry.place, *swept, *place), message)

    def _leave_out(self, variant: Variant) -> None:
        """Note that a ready row cannot run for the target."""
        name, why = variant.entry.name, _text(variant.problems)
        who = f"plugin {variant.entry.plugin!r}: ready row {name!r}"
        names = self.left_out.setdefault(f"{who} is left out: {why}", [])
        if self.target and self.target.name not in names:
            names.append(self.target.name)

    def _argument(
        self, plain: Callable[[Option, Any], Argument], option: Option, value: Any
    ) -> Argument:
        if option.each is not None:
            if value is not option.default and (mistake := option.mistake(value)):
                raise EffbenchError(mistake)
            if isinstance(value, list | tuple):
                return joined([self._argument(plain, option.each, item) for item in value])
        annotation = option.reference(value)
        if annotation is None:
            model = ModelId in option.choices and isinstance(value, str)
            named = model and self.lookup.names("models", value, self.plugin)
            if named and not (self.beside / value).exists():  # it would pass as a hub id
                raise EffbenchError(f"{value!r} is a row of models (write {{trained: ROW}})")
            return plain(option, value)
        meaning = self.refer(self, annotation, value)
        if isinstance(meaning, Input):
            return meaning, meaning.fact
        return meaning.named, (meaning.corpus_key, meaning.key)


def _text(problems: Sequence[Problem]) -> str:
    return "; ".join(message for _, message in problems)
