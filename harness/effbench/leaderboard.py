"""The leaderboard: reads records, compares only what may be compared, measures nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from effbench.errors import EffbenchError
from effbench.latency import board
from effbench.latency.sessions import BRIEF
from effbench.records import SUITE, Record, read

Value = str | float | None


@dataclass(frozen=True)
class Table:
    """One suite on one machine: a line for each row, index and search setting."""

    suite: str
    machine: str
    headline: str
    """The column that orders the lines: the suite's first measure.

    Rows that were trained on judgments that they are measured on come after all others.
    """

    columns: tuple[str, ...]
    lines: tuple[Mapping[str, Value], ...]
    remarks: tuple[str, ...]
    details: tuple[str, ...] = ()
    """Columns for programs: people are not shown them."""


def tables(root: Path) -> list[Table]:
    """Return a table for each suite under ``root``, machines apart.

    Raises:
        EffbenchError: no suite has run there.

    """
    found = sorted(root.glob(f"**/{SUITE}"))
    if not found:
        raise EffbenchError(f"{root}: no results there (run a suite with --results {root})")
    return [_table(path.parent, read(path)) for path in found]


@dataclass(frozen=True)
class _Line:
    """The records of one row through one index at one search setting, by dataset."""

    row: str
    index: str
    records: Mapping[str, Record]

    @property
    def passages(self) -> str | None:
        """The row whose passages it searches, if that is another one: its teacher."""
        return next((record["passages"] for record in self.records.values()), None)

    @property
    def trained_on(self) -> str:
        """What training took from the datasets that are measured (`effbench.lineage.seen`)."""
        kinds = {
            kind for record in self.records.values() for kind in record.get("trained_on", ())
        }
        return ", ".join(sorted(kinds))

    @property
    def tested_on(self) -> list[str]:
        """The datasets whose very judgments, on which it is measured, it was trained on."""
        return sorted(
            name
            for name, record in self.records.items()
            if "judgments" in record.get("trained_on", ())
        )

    def score(self, measure: str, datasets: Sequence[str]) -> float | None:
        """Return the mean over datasets, or None unless all are there."""
        scores = [
            self.records[name]["scores"][measure] for name in datasets if name in self.records
        ]
        return math.fsum(scores) / len(scores) if len(scores) == len(datasets) else None

    def total(self, name: str) -> float | None:
        """Return the sum of a cost over datasets, if it is known of all."""
        costs = [record["costs"].get(name) for record in self.records.values()]
        known = [cost for cost in costs if cost is not None]
        return math.fsum(known) if known and len(known) == len(costs) else None

    def cost(self, name: str) -> float | None:
        """Return the largest of a cost on any dataset, if it is known."""
        costs = [record["costs"].get(name) for record in self.records.values()]
        return max((cost for cost in costs if cost is not None), default=None)


def _table(folder: Path, suite: Record) -> Table:
    remarks: list[str] = []
    lines = _lines(folder, suite, remarks)
    first = _headline(suite["measures"][0], _units(suite))
    rows = [(line.row, line.records) for line in lines]
    latencies = board.latencies(folder, rows, suite, remarks)
    shown = [
        _shown(line, _teacher(line, lines), own, suite)
        for line, own in zip(lines, latencies, strict=True)
    ]
    order = sorted(
        range(len(shown)),
        key=lambda i: (
            bool(lines[i].tested_on),
            -float(shown[i][first] or -1),
            lines[i].row,
            lines[i].index,
        ),
    )
    remarks += [
        f"{line.row}: last and not ranked: it was trained on judgments that it is measured on, "
        f"of {', '.join(line.tested_on)}"
        for line in lines
        if line.tested_on
    ]
    return Table(
        suite=suite["suite"],
        machine=folder.parent.name,
        headline=first,
        columns=tuple(dict.fromkeys(name for line in shown for name in line)),
        lines=tuple(shown[i] for i in order),
        remarks=tuple(remarks),
        details=("index s", *(n for own in latencies for n in own if not n.startswith(BRIEF))),
    )


def _lines(folder: Path, suite: Record, remarks: list[str]) -> list[_Line]:
    grouped: dict[tuple[str, str], dict[str, Record]] = {}
    for name in suite["cells"]:
        path = folder / f"{name}.json"
        if not path.exists():
            remarks.append(f"{name}: not run yet")
            continue
        try:
            record = read(path)
        except EffbenchError as error:
            remarks.append(str(error))
            continue
        swept = "".join(f" {option}={value}" for option, value in record["search"].items())
        index = f"{record['index']['name']}{swept}" if record["index"] else ""
        by_dataset = grouped.setdefault((record["row"]["name"], index), {})
        if record["status"] == "done":
            by_dataset[record["dataset"]] = {**record, "cell": name}
        else:
            status = "skipped" if record["status"] == "skipped" else "FAILED"
            remarks.append(f"{name}: {status}: {record['error']}")
    return [_Line(row, index, by_dataset) for (row, index), by_dataset in grouped.items()]


def _teacher(line: _Line, lines: Sequence[_Line]) -> _Line:
    """Return the line of the row whose passages are searched; one without records if none."""
    wanted = (line.passages, line.index)
    found = (one for one in lines if (one.row, one.index) == wanted)
    return next(found, _Line("", "", {}))


def _shown(
    line: _Line, teacher: _Line, latencies: Mapping[str, Value], suite: Record
) -> dict[str, Value]:
    units, first = _units(suite), suite["measures"][0]
    values: dict[str, Value] = {"row": line.row, "index": line.index}
    for measure in suite["measures"]:
        values[_headline(measure, units)] = _mean_of_units(line, measure, units)
    if len(units) > 1:
        for measure in suite["measures"]:
            for unit, datasets in units.items():
                values[f"{measure} {unit}"] = line.score(measure, datasets)
        there = sum(line.score(first, names) is not None for names in units.values())
        values["datasets"] = f"{there} of {len(units)}"
    values.update(_kept(line, teacher, first, units))
    values.update(latencies)
    values["parameters"] = line.cost("query_parameters")
    nbytes = line.total("index_bytes")
    values["index MB"] = nbytes and nbytes / 1e6
    values["index s"] = line.total("index_seconds")
    values["trained on"] = line.trained_on
    values["expected"] = "; ".join(_expectations(line, suite, units))
    return values


def _units(suite: Record) -> dict[str, list[str]]:
    """Return what enters the mean: a dataset, or a group of them averaged first."""
    units: dict[str, list[str]] = {}
    for dataset in suite["datasets"]:
        units.setdefault(dataset["group"] or dataset["name"], []).append(dataset["name"])
    return units


def _headline(measure: str, units: Mapping[str, list[str]]) -> str:
    return f"mean {measure}" if len(units) > 1 else measure


def _mean_of_units(line: _Line, measure: str, units: Mapping[str, list[str]]) -> float | None:
    scores = [line.score(measure, names) for names in units.values()]
    if any(score is None for score in scores):
        return None
    return math.fsum(score for score in scores if score is not None) / len(scores)


def _kept(
    line: _Line, teacher: _Line, measure: str, units: Mapping[str, list[str]]
) -> dict[str, Value]:
    """Return the share of the teacher's score that is kept: of the mean, and of each unit."""
    mean, wanted = (_mean_of_units(one, measure, units) for one in (line, teacher))
    shares: dict[str, Value] = {"kept": _share(mean, wanted)}
    if len(units) > 1:
        for unit, names in units.items():
            score, wanted = (one.score(measure, names) for one in (line, teacher))
            shares[f"kept {unit}"] = _share(score, wanted)
    return shares


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _expectations(line: _Line, suite: Record, units: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield OK or FAIL for each published score; an approximate index is not held to them."""
    expected = suite["expected"]
    if line.index.partition(" ")[0] not in ("", expected["index"]):
        return
    kept = 0
    for measure, by_row in expected["scores"].items():
        for unit, wanted in by_row.get(line.row, {}).items():
            found = line.score(measure, units.get(unit, [unit]))
            if found is None:
                continue
            if abs(found - wanted) <= expected["tolerance"] + 1e-12:
                kept += 1
            else:
                yield f"FAIL {measure} {unit} {found:.4f} (published {wanted:.4f})"
    if kept:
        yield f"OK {kept}"
