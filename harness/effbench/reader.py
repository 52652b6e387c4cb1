"""Read a suite file: what is wrong is noted with its line, and reading goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from effbench.errors import EffbenchError
from effbench.located import Mistakes, Place, parse, text_of
from effbench.measures import parse_measure
from effbench.plugins import suggest
from effbench.suite import LATENCY_CHECKS, Entry, Expected, LatencyOptions, Suite
from effbench.words import plain_name

EVERY = "every"

LONGEST = 100
"""Bytes of a suite's name, which a folder has."""


def read(path: Path, text: str | None = None) -> tuple[Suite, Mistakes]:
    """Parse ``path`` (or the ``text`` that was read from it) into a suite and its mistakes."""
    if text is None:
        text = text_of(path)
    data, lines = parse(path, text)
    mistakes = Mistakes(path, lines)
    return _Reader(path, text, data, mistakes).suite(), mistakes


class _Reader:
    """Turns plain data into a Suite; notes what is wrong and goes on."""

    KEYS = (
        "suite", "datasets", "measures", "k",
        "models", "encoders", "retrievers", "indexes",
        "latency", "expected",
    )  # fmt: skip

    def __init__(
        self, path: Path, text: str, data: Mapping[str, Any], mistakes: Mistakes
    ) -> None:
        self.path, self.text, self.data, self.mistakes = path, text, data, mistakes

    def suite(self) -> Suite:
        for key in self.data:
            if key not in self.KEYS:
                self.mistakes.add((key,), f"unknown key ({suggest(str(key), self.KEYS)})")
        measures = self._measures()
        systems = {
            s: tuple(self._rows(s)) for s in ("models", "encoders", "retrievers", "indexes")
        }
        every = frozenset(s for s in ("encoders", "retrievers") if self.data.get(s) == EVERY)
        if not (systems["encoders"] or systems["retrievers"] or every):
            self.mistakes.add((), "no row (give encoders or retrievers)")
        if (systems["encoders"] or "encoders" in every) and not systems["indexes"]:
            self.mistakes.add((), "encoders need indexes (indexes: {exact: {use: exact}})")
        return Suite(
            path=self.path,
            text=self.text,
            name=self._name(),
            datasets=tuple(self._datasets()),
            measures=tuple(measures),
            k=self._k(measures),
            every=every,
            latency=self._latency(),
            expected=self._expected(),
            **systems,
        )

    def _name(self) -> str:
        name = self.data.get("suite")
        if not isinstance(name, str) or not name.replace("-", "").replace("_", "").isalnum():
            self.mistakes.add(("suite",), "give the suite a name of letters, digits, - and _")
            return "?"
        if len(name.encode()) > LONGEST:
            message = f"a name of {len(name.encode())} bytes ({LONGEST} at most)"
            self.mistakes.add(("suite",), message)
        return name

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
        members = item.get("datasets")
        named = isinstance(item["group"], str) and item["group"]
        if set(item) != {"group", "datasets"} or not isinstance(members, list) or not named:
            self.mistakes.add(place, "a group is {group: NAME, datasets: [...]}")
            return
        for i, member in enumerate(members):
            yield from self._dataset(member, (*place, "datasets", i), item["group"])

    def _dataset(self, item: Any, place: Place, group: str | None) -> Iterator[Entry]:
        if isinstance(item, str):
            yield Entry("datasets", item, "ir_datasets", {"id": item}, place, group)
        elif isinstance(item, dict) and isinstance(item.get("use"), str):
            options = {key: value for key, value in item.items() if key != "use"}
            yield Entry("datasets", "", item["use"], options, place, group)
        else:
            self.mistakes.add(place, "a dataset is an ir_datasets id or {use: NAME, ...}")

    def _rows(self, section: str) -> Iterator[Entry]:
        given = self.data.get(section, {})
        if given == EVERY and section in ("encoders", "retrievers"):
            return
        for name, item in self._mapping(given, (section,)).items():
            place = (section, name)
            if not isinstance(item, dict) or not isinstance(item.get("use"), str):
                self.mistakes.add(place, "a row is {use: NAME, option: value, ...}")
            elif not isinstance(name, str) or not plain_name(name):
                self.mistakes.add(place, "a row's name has no white space and none of / \\ : *")
            else:
                yield self._row(section, name, dict(item), place)

    def _row(self, section: str, name: str, item: dict[str, Any], place: Place) -> Entry:
        use = item.pop("use")
        passages, unchecked = self._passages(section, item, place)
        seed = item.pop("seed", 0) if section == "models" else 0
        if not isinstance(seed, int) or isinstance(seed, bool):
            self.mistakes.add((*place, "seed"), f"{seed!r} is not a whole number")
        search: dict[str, list[Any]] = {}
        if section == "indexes":
            swept = self._mapping(item.pop("search", {}), (*place, "search"))
            search = {key: v if isinstance(v, list) else [v] for key, v in swept.items()}
            for key in (key for key, values in search.items() if not values):
                self.mistakes.add((*place, "search", key), "give one value or more ([16, 64])")
        return Entry(
            section, name, use, item, place,
            passages=passages, unchecked=unchecked, search=search, seed=seed,
        )  # fmt: skip

    def _passages(
        self, section: str, item: dict[str, Any], place: Place
    ) -> tuple[str | None, bool]:
        """Return the row whose passages are searched, and whether any will do."""
        given = item.pop("passages", None) if section == "encoders" else None
        if given is None or isinstance(given, str):
            return given, False
        if isinstance(given, dict) and set(given) == {"row", "unchecked"}:
            return str(given["row"]), given["unchecked"] is True
        message = "passages are ROW or {row: ROW, unchecked: true}"
        self.mistakes.add((*place, "passages"), message)
        return None, False

    def _measures(self) -> list[str]:
        given = self.data.get("measures", ["nDCG@10", "RR@10", "R@100"])
        names: list[str] = []
        if given == []:
            self.mistakes.add(("measures",), "give a list of measures (- nDCG@10)")
        for i, text in enumerate(given if isinstance(given, list) else [given]):
            try:
                names.append(str(parse_measure(str(text))))
            except EffbenchError as error:
                self.mistakes.add(("measures", i), str(error))
        if given == []:
            self.mistakes.add(("measures",), "give a measure at least ([nDCG@10])")
        return list(dict.fromkeys(names))

    def _k(self, measures: list[str]) -> int:
        deepest = max((_cutoff(name) for name in measures), default=0)
        k = self.data.get("k", max(100, deepest))
        if not isinstance(k, int) or isinstance(k, bool) or k < 1:
            self.mistakes.add(("k",), f"{k!r} is not a whole number of hits")
        elif k < deepest:
            self.mistakes.add(
                ("k",), f"{k} hits cannot decide a measure at {deepest} (k: {deepest})"
            )
        else:
            return k
        return max(100, deepest)

    def _latency(self) -> LatencyOptions | None:
        given = self.data.get("latency", {})
        if given is False:
            return None
        options: dict[str, Any] = {}
        for key, value in self._mapping(given, ("latency",)).items():
            if key not in LATENCY_CHECKS:
                message = f"unknown option ({suggest(str(key), LATENCY_CHECKS)})"
                self.mistakes.add(("latency", key), message)
                continue
            fits, wanted = LATENCY_CHECKS[key]
            if fits(value):
                options[key] = tuple(value) if isinstance(value, list) else value
            else:
                self.mistakes.add(("latency", key), f"{value!r} is not {wanted}")
        return LatencyOptions(**options)

    def _expected(self) -> Expected:
        given = dict(self._mapping(self.data.get("expected"), ("expected",)))
        tolerance = given.pop("tolerance", 0.001)
        scores: dict[str, dict[str, dict[str, float]]] = {}
        for measure, by_row in given.items():
            place: Place = ("expected", measure)
            for row, by_dataset in self._mapping(by_row, place).items():
                for dataset, value in self._mapping(by_dataset, (*place, row)).items():
                    if not _number(value):
                        message = (
                            f"{value!r} is not a score (MEASURE: {{ROW: {{DATASET: 0.5}}}})"
                        )
                        self.mistakes.add((*place, row, dataset), message)
                    scores.setdefault(measure, {}).setdefault(row, {})[dataset] = value
        if not _number(tolerance) or tolerance < 0:
            message = f"{tolerance!r} is not a number of 0 or more"
            self.mistakes.add(("expected", "tolerance"), message)
        return Expected(scores, tolerance)

    def _mapping(self, value: Any, place: Place) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.mistakes.add(place, f"{value!r} is not a mapping")
            return {}
        return value


def _cutoff(measure: str) -> int:
    _, _, cutoff = measure.rpartition("@")
    return int(cutoff) if cutoff.isdigit() else 0


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
