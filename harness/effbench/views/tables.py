"""Leaderboards as tables: which columns they have, and with which values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from effbench.board.expected import Expectation, expectations, spelled
from effbench.board.leaderboard import MEAN, Board
from effbench.board.sizes import SIZES
from effbench.board.standings import Standing
from effbench.latency.spans import ENCODE, END_TO_END
from effbench.statistics.row_latency import BRIEF, Value, columns, with_interval
from effbench.statistics.significance import SIGNIFICANT
from effbench.views.sweeps import sweep_columns

NAMES = ("row", "index")
"""The columns that name the row of a line; they are shown with any choice of columns."""

MARKED = "latency"
"""The column with the marks of a line's times, which say why they are not reliable."""

IMPORTANT = (
    "rank", "kept", MARKED, f"{END_TO_END} p50 ms", f"{ENCODE} p50 ms", "datasets",
    f"speed-up {END_TO_END}", "p",
)  # fmt: skip
"""The columns that a terminal and paper show beside row, index and score, unless asked."""


@dataclass(frozen=True)
class Table:
    """A table for one suite on one machine.

    The columns ``NAME low`` and ``NAME high`` hold the 95 % interval of the column NAME.
    """

    suite: str
    machine: str
    columns: tuple[str, ...]
    lines: tuple[Mapping[str, Value], ...]
    remarks: tuple[str, ...]
    details: tuple[str, ...] = ()
    """The columns for programs only: people are not shown them."""

    of_datasets: tuple[str, ...] = ()
    """The columns of single datasets, if there are columns of their mean too."""

    importance: tuple[str, ...] = ()
    """The columns that a terminal and paper show; the most important column comes first."""

    baseline: str = ""
    """The name of the baseline, to which kept, p and speed-up compare."""

    chosen: tuple[str, ...] = ()
    """The columns that the user chose: people see exactly these. Empty: the user chose none."""

    expected: tuple[Sequence[Expectation], ...] = ()
    """The expected scores of each line, which the column ``expected`` has in words."""

    part: str = ""
    """Which part of a leaderboard this is; empty: the whole."""

    of_machine: tuple[str, ...] = ()
    """The columns whose figures hold on one machine only, such as times."""

    scores: tuple[str, ...] = ()
    """The columns of scores."""

    significant: Callable[[str], frozenset[int]] = lambda _score: frozenset()
    """Returns the lines whose scores in a column differ from their baselines beyond chance."""

    @property
    def title(self) -> str:
        """The suite, the machine and the part."""
        part = f": {self.part}" if self.part else ""
        return f"{self.suite} on {self.machine}{part}"


def table(board: Board) -> Table:
    """Return a board as a table."""
    latencies = [columns(latency, board.baseline_latency) for latency in board.latencies]
    swept = sweep_columns(board.lines)
    scores = _scores(board)
    lines = [
        _line(board, number, *columns)
        for number, columns in enumerate(zip(swept, latencies, strict=True))
    ]
    expected = tuple(expectations(board, number) for number in range(len(lines)))
    names = tuple(dict.fromkeys(name for line in lines for name in line))
    headline = _headline(board, board.measures[0])
    units = board.units if len(board.units) > 1 else ()
    brief = tuple(f"{name} " for name in (headline, "kept", "speed-up"))
    return Table(
        suite=board.suite,
        machine=board.machine,
        columns=names,
        lines=tuple(lines),
        remarks=(*board.unreadable, *board.remarks),
        expected=expected,
        details=(
            *map(exact_hits, board.recall_measures[1:]),
            *(["vectors"] * (len({line.vectors for line in board.lines} - {""}) < 2)),
            *(f"trained on {unit}" for unit in units),
            *("effect", "baseline", *dict.fromkeys(n for v in swept for n in v)),
            *(n for values in latencies for n in values if not n.startswith(BRIEF)),
            *(n for n in names if n.endswith((" low", " high")) and not n.startswith(brief)),
        ),
        of_datasets=tuple(
            f"{figure} {unit}" for figure in (*board.measures, "kept") for unit in units
        ),
        scores=tuple(scores),
        importance=_importance(board, headline),
        baseline=_baseline(board),
        of_machine=(*dict.fromkeys(n for v in latencies for n in v), "index s"),
        significant=lambda score: _significant(board.standings(*scores[score])),
    )


def _scores(board: Board) -> dict[str, tuple[str, str]]:
    """Return column of scores -> its measure, and its unit or `MEAN`."""
    means = {_headline(board, measure): (measure, MEAN) for measure in board.measures}
    units = board.units if len(board.units) > 1 else ()
    return means | {f"{m} {unit}": (m, unit) for m in board.measures for unit in units}


def _significant(standings: Mapping[int, Standing]) -> frozenset[int]:
    return frozenset(
        number
        for number, standing in standings.items()
        if standing.p is not None and standing.p < SIGNIFICANT
    )


def _importance(board: Board, headline: str) -> tuple[str, ...]:
    """Return the most important columns; the datasets count if a line lacks one."""
    whole = all(len(line.records) == len(board.weights) for line in board.lines)
    return (*NAMES, headline, *(n for n in IMPORTANT if not (whole and n == "datasets")))


def _baseline(board: Board) -> str:
    """Return the baseline's name; a note tells if scores compare to its line per index."""
    if board.baseline is None:
        return ""
    line = board.lines[board.baseline]
    several = [each.row for each in board.lines].count(line.row) > 1
    others = " (kept and p of other rows: through the same index as the row)" * several
    return f"{line.name}{others}"


def _headline(board: Board, measure: str) -> str:
    """Return the name of a measure's main column: of the mean, if there are several units."""
    return f"mean {measure}" if len(board.units) > 1 else measure


def _line(
    board: Board, number: int, swept: Mapping[str, Value], latency: Mapping[str, Value]
) -> dict[str, Value]:
    """Return the values of a line by column; some of them, by column too, are given."""
    line, first = board.lines[number], board.measures[0]
    standing = board.standings(first).get(number)
    values: dict[str, Value] = {
        "rank": standing and standing.rank,
        "row": line.row,
        "index": line.index,
        "vectors": line.vectors or None,
        **swept,
    }
    for measure in board.measures:
        values[_headline(board, measure)] = line.score(measure, board.weights)
    bounds = with_interval(_headline(board, first), standing and standing.score)
    values.update(list(bounds.items())[1:])  # the score stays as the record has it
    if len(board.units) > 1:
        for measure in board.measures:
            for unit, weights in board.units.items():
                values[f"{measure} {unit}"] = line.score(measure, weights)
        scores = [line.score(first, weights) for weights in board.units.values()]
        n_scored = len(scores) - scores.count(None)
        values["datasets"] = f"{n_scored} of {len(board.units)}"
    values.update(_kept(board, number))
    values["p"] = standing and standing.p
    values["effect"] = standing and standing.effect
    values.update(latency)
    values["parameters"] = line.cost("query_parameters")
    for name, cost in SIZES.items():
        nbytes = line.total(cost)
        values[name] = nbytes and nbytes / 1e6
    values["index s"] = line.total("index_seconds")
    for measure in board.recall_measures:
        values[exact_hits(measure)] = line.recall(measure, board.weights)
    values["trained on"] = line.trained_on
    for unit, weights in board.units.items() if len(board.units) > 1 else ():
        values[f"trained on {unit}"] = line.saw(weights)
    values["expected"] = spelled(expectations(board, number))
    baseline = board.baselines[number]
    values["baseline"] = None if baseline is None else board.lines[baseline].row
    return values


def exact_hits(measure: str) -> str:
    """Return the name of the column for a measure of the recall of an index."""
    return f"exact hits@{measure.removeprefix('R@')}"


def _kept(board: Board, number: int) -> dict[str, Value]:
    """Return the share of the baseline's score that a line keeps: the mean, and each unit."""
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
    """Return the first score divided by the second; None if a score is missing or 0."""
    score, baseline = scores if len(scores) == 2 else (None, None)
    return score / baseline if score is not None and baseline and baseline > 0 else None
