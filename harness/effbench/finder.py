"""Find the rows of a suite: look up offers, resolve options, follow references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from effbench.api import EncodedTexts
from effbench.errors import EffbenchError
from effbench.inputs import ModelInput, TextsInput
from effbench.located import Mistakes
from effbench.options import Input, Resolver, search_options_of
from effbench.plugins import Offer, Plugins, suggest
from effbench.rows import DatasetRow, Row
from effbench.steps.encode import EncodeTexts
from effbench.steps.texts import PARTS, DatasetSource, FileSource, Source, Texts
from effbench.steps.train import Train
from effbench.suite import Entry, Suite

Problem = tuple[tuple[str, ...], str]
TARGET = "target"


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
        target: DatasetRow | None = None,
    ) -> None:
        self.suite, self.mistakes, self.plugins = suite, mistakes, plugins
        self.target = target
        self.resolver = resolver._replace(refer=self._refer)
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

    def row(self, section: str, name: str) -> Row | None:
        """Return a row, or None when it has mistakes (which are noted).

        Raises:
            EffbenchError: there is no such row, or it depends on itself.

        """
        key = (section, name)
        if key not in self._entries:
            known = [other for where, other in self._entries if where == section]
            raise EffbenchError(f"no row {name!r} in {section} ({suggest(str(name), known)})")
        if key in self._open:
            circle = " -> ".join(n for _, n in [*self._open[self._open.index(key) :], key])
            raise EffbenchError(f"depends on itself: {circle}")
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
            EffbenchError: all that is wrong with it, as one line.

        """
        row, problems = self._make("datasets", use, use, options)
        if row is None:
            lines = (
                ".".join((*place, message)) if place else message for place, message in problems
            )
            raise EffbenchError("; ".join(lines))
        return DatasetRow(row.offer.factory(**row.resolved.arguments), group)

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
        except EffbenchError as error:
            self.mistakes.add((*entry.place, "passages"), str(error))
            return None
        if passages is not None and passages.passages is not None:
            message = f"{passages.name!r} has no passages of its own (name one that has)"
            self.mistakes.add((*entry.place, "passages"), message)
            return None
        return None if passages is None else replace(row, passages=passages)

    def _make(
        self, section: str, name: str, use: str, options: Mapping[str, Any]
    ) -> tuple[Row | None, list[Problem]]:
        """Return the row, or None and what is wrong, each with the place inside the row."""
        offers = self.plugins.named(section)
        offer = offers.get(use)
        if offer is None:
            hint = suggest(use, offers)
            return None, [(("use",), f"nothing installed offers {use!r} ({hint})")]
        missing = " ".join(f"'{what}'" for what in offer.missing())
        if missing:
            return None, [(("use",), f"{use!r} needs: pip install {missing}")]
        # a dataset says itself what it holds: its files are not read for a digest here
        resolver = (
            self.resolver._replace(digests=None) if section == "datasets" else self.resolver
        )
        resolved, problems = resolver.resolve(offer.factory, options)
        row = Row(name, offer, self.plugins.distribution(offer), options, resolved)
        found: list[Problem] = [((p,) if p else (), message) for p, message in problems]
        return (None if found else row), found

    def _check_sweep(self, entry: Entry, offer: Offer) -> None:
        if not entry.search:
            return
        known = search_options_of(offer.factory)
        for name, values in entry.search.items():
            place = (*entry.place, "search", name)
            if name not in known:
                self.mistakes.add(place, f"unknown search option ({suggest(name, known)})")
                continue
            for value in values:
                if not known[name].accepts(value):
                    self.mistakes.add(place, f"{value!r} is not {known[name].type_name()}")

    def _refer(self, annotation: Any, value: Any) -> Input:
        """Return what an option's reference stands for."""
        if annotation is EncodedTexts:
            return self._encoded_texts(value)
        return ModelInput(self._train(value))

    def _train(self, name: Any) -> Train:
        row = self.row("models", name)
        if row is None:
            raise EffbenchError(f"model {name!r} has mistakes of its own")
        return Train(row, self._entries["models", name].seed)

    def _encoded_texts(self, value: Any) -> TextsInput:
        if not isinstance(value, dict) or set(value) != {"texts", "encoder"}:
            raise EffbenchError(f"{value!r} is not {{texts: [...], encoder: ROW}}")
        encoder = self.row("encoders", value["encoder"])
        if encoder is None:
            raise EffbenchError(f"encoder {value['encoder']!r} has mistakes of its own")
        given = value["texts"] if isinstance(value["texts"], list) else [value["texts"]]
        texts = Texts(tuple(self._source(one) for one in given))
        return TextsInput(EncodeTexts(encoder, texts))

    def _source(self, given: Any) -> Source:
        options = dict(given) if isinstance(given, dict) else {}
        draw, column = options.pop("draw", None), options.pop("column", None)
        if len(options) != 1 or not set(options) <= {"file", *PARTS}:
            raise EffbenchError(
                f"{given!r} is no source of texts (give file, {', '.join(PARTS)}: one of them)"
            )
        if draw is not None and (type(draw) is not int or draw < 1):
            raise EffbenchError(f"texts: draw: {draw!r} is not a number of texts")
        ((part, value),) = options.items()
        if part == "file":
            return self._file(value, column, draw)
        return DatasetSource(self._dataset_named(value), part, draw)

    def _file(self, name: Any, column: str | None, draw: int | None) -> FileSource:
        path = (self.resolver.beside / Path(str(name)).expanduser()).resolve()
        if not path.is_file() or self.resolver.digests is None:
            raise EffbenchError(f"texts: no file {path}")
        return FileSource(path, self.resolver.digests.of(path), column, draw)

    def _dataset_named(self, value: Any) -> DatasetRow:
        if value == TARGET:
            if self.target is None:
                raise EffbenchError(
                    "'target' stands for the dataset of a cell; there is none here"
                )
            return self.target
        if isinstance(value, str):
            return self.dataset("ir_datasets", {"id": value})
        if isinstance(value, dict) and isinstance(value.get("use"), str):
            return self.dataset(value["use"], {k: v for k, v in value.items() if k != "use"})
        raise EffbenchError(
            f"{value!r} is no dataset (an ir_datasets id, {{use: ...}} or target)"
        )
