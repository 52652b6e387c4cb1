"""Comparisons of rows (``effbench compare``) as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from effbench.board.compared import Comparison
from effbench.statistics.figures import Interval
from effbench.statistics.row_latency import Value, with_interval
from effbench.statistics.significance import SIGNIFICANT
from effbench.views.tables import Table


def compared(comparisons: Sequence[Comparison], *, for_people: bool) -> list[Table]:
    """Return a table of comparisons for each suite and machine.

    The table for people has a line for each dataset, and a column for each row with which the
    first row is compared. The table for programs has a line for each comparison.
    """
    by_place: dict[tuple[str, str], list[Comparison]] = {}
    for pair in comparisons:
        by_place.setdefault((pair.suite, pair.machine), []).append(pair)
    tables = []
    for place, pairs in by_place.items():
        lines = _by_dataset(pairs) if for_people else [_flat(pair) for pair in pairs]
        names = tuple(dict.fromkeys(name for line in lines for name in line))
        remark = (
            f"{pairs[0].row} less each other row by {pairs[0].measure}, query by query; p: "
            f"paired randomisation, Holm's correction for all {len(pairs)}; "
            f"* marks p below {SIGNIFICANT}"
        )
        tables.append(Table(*place, names, tuple(lines), (remark,)))
    return tables


def _by_dataset(comparisons: Iterable[Comparison]) -> list[dict[str, Value]]:
    """Return a line for each dataset: the first row's score, and its differences."""
    lines: dict[str, dict[str, Value]] = {}
    for pair in comparisons:
        start: dict[str, Value] = {
            "dataset": pair.dataset,
            "queries": f"{pair.queries:,}",
            f"{pair.row} {pair.measure}": f"{pair.score:.4f}",
        }
        star = "*" * (pair.p < SIGNIFICANT)
        difference = f"{pair.difference.value:+.4f} (p {pair.p:.4f}{star})"
        lines.setdefault(pair.dataset, start)[f"- {pair.other}"] = difference
    return list(lines.values())


def _flat(comparison: Comparison) -> dict[str, Value]:
    """Return a comparison as values by column; an interval takes three columns."""
    values: dict[str, Value] = {}
    for name, value in vars(comparison).items():
        if name == "complaints":
            values[name] = "; ".join(value)
        elif name not in ("suite", "machine"):
            values |= (
                with_interval(name, value) if isinstance(value, Interval) else {name: value}
            )
    return values
