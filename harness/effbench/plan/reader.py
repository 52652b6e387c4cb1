"""The reader of suite files: makes a `Suite`, and notes each mistake with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from effbench.plan.entries import MOST_SETTINGS, TOO_MANY, entries_of
from effbench.plan.located import Mistakes, Place, parse, text_of
from effbench.plan.sections import expected_of, hits_of, latency_of, mapping_of, measures_of
from effbench.plan.suite import Entry, Suite
from effbench.text.names import same_file, unfit, unfit_row
from effbench.text.suggestions import suggest

EVERY = "every"

LONGEST = 100
"""Most bytes of a suite's name, which is the name of a folder."""

READY = ("encoders", "retrievers")
"""The sections in which a suite can take the ready rows of all plugins."""


def read(path: Path, text: str | None = None) -> tuple[Suite, Mistakes]:
    """Return the suite of the file ``path``, and its mistakes.

    If ``text`` is given, which was read from the file before, its measures are not tried again.
    """
    content = text_of(path) if text is None else text
    data, lines = parse(path, content)
    mistakes = Mistakes(path, lines)
    return _Reader(path, content, data, mistakes, trying=text is None).suite(), mistakes


class _Reader:
    """Turns the data of a YAML file into a suite; notes each mistake, and goes on."""

    KEYS = (
        "suite", "datasets", "measures", "k",
        "models", "encoders", "retrievers", "indexes",
        "latency", "expected",
    )  # fmt: skip

    def __init__(
        self,
        path: Path,
        text: str,
        data: Mapping[str, Any],
        mistakes: Mistakes,
        *,
        trying: bool,
    ) -> None:
        self.path, self.text, self.data, self.mistakes = path, text, data, mistakes
        self.trying = trying

    def suite(self) -> Suite:
        for key in self.data:
            if key not in self.KEYS:
                self.mistakes.add((key,), f"unknown key ({suggest(str(key), self.KEYS)})")
        measures = measures_of(self.data, self.mistakes, trying=self.trying)
        entries = {
            section: tuple(self._rows(section))
            for section in ("models", "encoders", "retrievers", "indexes")
        }
        every = frozenset(filter(self._takes_ready_rows, READY))
        if not (self.data.get("encoders") or self.data.get("retrievers")):
            self.mistakes.add((), "no row (give encoders or retrievers)")
        self._refuse_equal_files(entries)
        if (entries["encoders"] or "encoders" in every) and not self.data.get("indexes"):
            self.mistakes.add((), "encoders need indexes (indexes: {exact: {use: exact}})")
        return Suite(
            path=self.path,
            text=self.text,
            name=self._name(),
            datasets=tuple(self._datasets()),
            measures=measures,
            k=hits_of(self.data, measures, self.mistakes),
            every=every,
            latency=latency_of(self.data, self.mistakes),
            expected=expected_of(self.data, self.mistakes),
            **entries,
        )

    def _name(self) -> str:
        name = self.data.get("suite")
        if not isinstance(name, str) or not name.replace("-", "").replace("_", "").isalnum():
            self.mistakes.add(("suite",), "give the suite a name of letters, digits, - and _")
            return "?"
        if len(name.encode()) > LONGEST:
            message = f"a name of {len(name.encode())} bytes (take at most {LONGEST})"
            self.mistakes.add(("suite",), message)
        elif wrong := unfit_row(name):
            self.mistakes.add(("suite",), f"the name {wrong} (give another)")
        return name

    def _refuse_equal_files(self, entries: Mapping[str, tuple[Entry, ...]]) -> None:
        """Note rows whose files have equal names on macOS and Windows."""
        for sections in (("encoders", "retrievers"), ("models",), ("indexes",)):
            names: dict[str, str] = {}
            for row in (row for section in sections for row in entries[section]):
                like = names.setdefault(same_file(row.name), row.name)
                if like != row.name:
                    message = f"{like!r} and {row.name!r} are one file on macOS and Windows"
                    self.mistakes.add(row.place, f"{message} (rename one)")

    def _datasets(self) -> Iterator[Entry]:
        given = self.data.get("datasets")
        if not isinstance(given, list) or not given:
            self.mistakes.add(("datasets",), "give a list of datasets (- beir/scifact/test)")
            return
        for i, item in enumerate(given):
            if isinstance(item, dict) and "group" in item:
                yield from self._group(item, ("datasets", i))
            else:
                yield from self._dataset(item, ("datasets", i), None)

    def _group(self, item: dict[str, Any], place: Place) -> Iterator[Entry]:
        name, members = item["group"], item.get("datasets")
        if set(item) != {"group", "datasets"} or not members or not isinstance(members, list):
            self.mistakes.add(place, "a group is {group: NAME, datasets: [...]}")
            return
        if wrong := unfit(name) if isinstance(name, str) else "is no text":
            self.mistakes.add((*place, "group"), f"the name {wrong} (give another)")
        for i, member in enumerate(members):
            yield from self._dataset(member, (*place, "datasets", i), str(name))

    def _dataset(self, item: Any, place: Place, group: str | None) -> Iterator[Entry]:
        if isinstance(item, str):
            yield Entry("datasets", item, "ir_datasets", {"id": item}, place, group)
        elif isinstance(item, dict) and isinstance(item.get("use"), str):
            options = {key: value for key, value in item.items() if key != "use"}
            yield Entry("datasets", "", item["use"], options, place, group)
        else:
            self.mistakes.add(place, "a dataset is an ir_datasets id or {use: NAME, ...}")

    def _rows(self, section: str) -> Iterator[Entry]:
        """Yield the entries of a section's named rows."""
        given = self.data.get(section, {})
        if section in READY and given == EVERY:
            return
        names: set[str] = set()
        for name, item in self._mapping(given, (section,)).items():
            if section in READY and name == EVERY and item is True:
                continue
            if len(names) > MOST_SETTINGS:
                self.mistakes.add((section,), TOO_MANY)
                return
            for entry in entries_of(section, name, item, self.mistakes):
                if entry.name in names:
                    message = f"{entry.name!r} is a row already (rename one)"
                    self.mistakes.add(entry.place, message)
                names.add(entry.name)
                yield entry

    def _takes_ready_rows(self, section: str) -> bool:
        given = self.data.get(section)
        return given == EVERY or (isinstance(given, dict) and given.get(EVERY) is True)

    def _mapping(self, value: Any, place: Place) -> dict[str, Any]:
        return mapping_of(value, place, self.mistakes)
