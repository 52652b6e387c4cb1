"""Leaderboards as tables: a line for each row, index and search setting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from effbench.board.comparison import Comparison
from effbench.board.expected import Expectation, expectations, spelled
from effbench.board.leaderboard import Board, boards
from effbench.latency.spans import ENCODE, END_TO_END
from effbench.statistics.figures import Interval
from effbench.statistics.row_latency import BRIEF, Value, columns, with_interval
from effbench.statistics.significance import SIGNIFICANT

NAMES = ("row", "index")
"""The columns that say whose figures a line has: they are shown with any others."""

MARKED = "latency"
"""The column that says what is wrong with the times beside it."""

IMPORTANT = (
    "rank", "kept", MARKED, f"{END_TO_END} p50 ms", f"{ENCODE} p50 ms", "datasets",
    f"speed-up {END_TO_END}", f"speed-up {ENCODE}", "p",
)  # fmt: skip
"""The columns that matter most, after row, index and score; the others follow from the left."""


@dataclass(frozen=True)
class Table:
    """One suite on one machine.

    Beside a column of figures may stand its 95 % interval, in columns NAME low and NAME high.
    """

    suite: str
    machine: str
    columns: tuple[str, ...]
    lines: tuple[Mapping[str, Value], ...]
    remarks: tuple[str, ...]
    details: tuple[str, ...] = ()
    """Columns for programs: people are not shown them."""

    of_datasets: tuple[str, ...] = ()
    """Columns of single datasets, beside those of their mean."""

    importance: tuple[str, ...] = ()
    """The columns that a narrow terminal shows first, the most important one in front."""

    baseline: str = ""
    """What kept, p and speed-ups are over."""

    chosen: tuple[str, ...] = ()
    """The columns that a user asked for: people see all of them, and no others."""

    expected: tuple[Sequence[Expectation], ...] = ()
    """Of each line of a suite, what the column ``expected`` says in words."""


def tables(roots: Iterable[Path]) -> list[Table]:
    """Return a table for each suite under some folders, machines apart.

    Raises:
        EffbenchError: no suite has run there.

    """
    return [table(board) for board in boards(roots)]


def table(board: Board) -> Table:
    """Return a board as a table."""
    latencies = [columns(own, board.baseline_latency) for own in board.latencies]
    shown = [_shown(board, i, own) for i, own in enumerate(latencies)]
    expected = tuple(expectations(board, number) for number in range(len(shown)))
    names = tuple(dict.fromkeys(name for line in shown for name in line))
    headline = _headline(board, board.measures[0])
    units = board.units if len(board.units) > 1 else ()
    brief = tuple(f"{name} " for name in (headline, "kept", "speed-up"))
    return Table(
        suite=board.suite,
        machine=board.machine,
        columns=names,
        lines=tuple(shown),
        remarks=(*board.unreadable, *board.remarks),
        expected=expected,
        details=(
            *("index s", "effect", "baseline"),
            *(n for own in latencies for n in own if not n.startswith(BRIEF)),
            *(n for n in names if n.endswith((" low", " high")) and not n.startswith(brief)),
        ),
        of_datasets=tuple(
            f"{one} {unit}" for one in (*board.measures, "kept") for unit in units
        ),
        importance=(*NAMES, headline, *IMPORTANT),
        baseline=_baseline(board),
    )


def _baseline(board: Board) -> str:
    """Return what figures are over; scores may be over it through another of its indexes."""
    if board.baseline is None:
        return ""
    line = board.lines[board.baseline]
    several = sum(one.row == line.row for one in board.lines) > 1
    return f"{line.name}{' (kept and p: through the same index as the row)' * several}"


def _headline(board: Board, measure: str) -> str:
    return f"mean {measure}" if len(board.units) > 1 else measure


def _shown(board: Board, number: int, latencies: Mapping[str, Value]) -> dict[str, Value]:
    line, first = board.lines[number], board.measures[0]
    standing = board.standings(first).get(number)
    values: dict[str, Value] = {
        "rank": standing and standing.rank,
        "row": line.row,
        "index": line.index,
    }
    for measure in board.measures:
        values[_headline(board, measure)] = line.score(measure, board.weights)
    bounds = with_interval(_headline(board, first), standing and standing.score)
    values.update(list(bounds.items())[1:])  # the record's own score stays as it is
    if len(board.units) > 1:
        for measure in board.measures:
            for unit, weights in board.units.items():
                values[f"{measure} {unit}"] = line.score(measure, weights)
        there = sum(line.score(first, own) is not None for own in board.units.values())
        values["datasets"] = f"{there} of {len(board.units)}"
    values.update(_kept(board, number))
    values["p"] = standing and standing.p
    values["effect"] = standing and standing.effect
    values.update(latencies)
    values["parameters"] = line.cost("query_parameters")
    nbytes = line.total("index_bytes")
    values["index MB"] = nbytes and nbytes / 1e6
    values["index s"] = line.total("index_seconds")
    values["trained on"] = line.trained_on
    values["expected"] = spelled(expectations(board, number))
    baseline = board.baselines[number]
    values["baseline"] = None if baseline is None else board.lines[baseline].row
    return values


def _kept(board: Board, number: int) -> dict[str, Value]:
    """Return the share of the baseline's score that is kept: of the mean, and of each unit."""
    first, standing = board.measures[0], board.standings(board.measures[0]).get(number)
    baseline = board.baselines[number]
    lines = [board.lines[i] for i in (number, baseline) if i is not None]
    shares = with_interval("kept", standing and standing.kept)
    shares["kept"] = _share([line.score(first, board.weights) for line in lines])
    if len(board.units) > 1:
        for unit, weights in board.units.items():
            shares[f"kept {unit}"] = _share([line.score(first, weights) for line in lines])
    if baseline == number:
        return dict.fromkeys(shares)
    return shares


def _share(scores: Sequence[float | None]) -> float | None:
    part, *others = scores
    whole = others[0] if others else None
    return part / whole if part is not None and whole and whole > 0 else None


def compared(comparisons: Sequence[Comparison], *, for_people: bool) -> list[Table]:
    """Return a table of comparisons for each suite and machine.

    People read a line for each dataset, with a column for each row that a row is compared with;
    programs a line for each comparison.
    """
    by_place: dict[tuple[str, str], list[Comparison]] = {}
    for one in comparisons:
        by_place.setdefault((one.suite, one.machine), []).append(one)
    found = []
    for place, those in by_place.items():
        lines = _by_dataset(those) if for_people else [_flat(one) for one in those]
        names = tuple(dict.fromkeys(name for line in lines for name in line))
        said = (
            f"{those[0].row} less each other row by {those[0].measure}, query by query; p: "
            f"paired randomisation, Holm's correction for all {len(those)}; "
            f"* marks p below {SIGNIFICANT}"
        )
        found.append(Table(*place, names, tuple(lines), (said,)))
    return found


def _by_dataset(comparisons: Iterable[Comparison]) -> list[dict[str, Value]]:
    lines: dict[str, dict[str, Value]] = {}
    for one in comparisons:
        about: dict[str, Value] = {
            "dataset": one.dataset,
            "queries": f"{one.queries:,}",
            f"{one.row} {one.measure}": f"{one.score:.4f}",
        }
        star = "*" * (one.p < SIGNIFICANT)
        difference = f"{one.difference.value:+.4f} (p {one.p:.4f}{star})"
        lines.setdefault(one.dataset, about)[f"- {one.other}"] = difference
    return list(lines.values())


def _flat(comparison: Comparison) -> dict[str, Value]:
    """Return what a comparison says, each interval as three columns."""
    values: dict[str, Value] = {}
    for name, value in vars(comparison).items():
        if name == "complaints":
            values[name] = "; ".join(value)
        elif name not in ("suite", "machine"):
            values |= (
                with_interval(name, value) if isinstance(value, Interval) else {name: value}
            )
    return values
