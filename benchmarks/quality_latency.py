"""Draw the quality of each row over the latency of its queries, from records alone.

    python benchmarks/quality_latency.py RESULTS --output FIGURE.svg
        [--suite NAME] [--index NAME]

A panel for each suite and machine: the suite's first measure over the p50 of encoding a query;
where all rows have one teacher (`passages`), the axis on the right says what share of its score
that is. A row that reads while the user types is drawn after the last word, and joined to the
whole query at once. The same records give the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, PercentFormatter
from matplotlib.transforms import Bbox

from effbench.errors import EffbenchError
from effbench.tables import Table, tables

STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "effbench",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.grid": True,
    "grid.color": "0.92",
    "axes.axisbelow": True,
}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "typed": ("what is left after the last word", {"marker": "D", "color": "tab:green"}),
    "whole": ("the whole query at once", {"marker": "o", "color": "tab:blue"}),
    "system": ("a retriever, end to end", {"marker": "s", "color": "tab:orange"}),
}
SIDES = {
    (1, 0): ("left", "center"),
    (-1, 0): ("right", "center"),
    (0, 1): ("center", "bottom"),
    (0, -1): ("center", "top"),
    (0.7, 0.7): ("left", "bottom"),
    (-0.7, 0.7): ("right", "bottom"),
    (0.7, -0.7): ("left", "top"),
    (-0.7, -0.7): ("right", "top"),
}
"""Where a label may stand beside a point, and how it is aligned there."""
NEAREST = 6
"""Points (of 1/72 inch) between the middle of a marker and its label."""


class Point(NamedTuple):
    """One row, with its milliseconds by kind."""

    row: str
    score: float
    kept: float | None
    latencies: dict[str, float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw what the command line asks for."""
    options = parse(arguments)
    try:
        found = [
            table for table in tables([options.results]) if options.suite in (None, table.suite)
        ]
        if not found:
            raise EffbenchError(f"--suite {options.suite}: no results of it")
        figure = draw(found, options.index)
    except EffbenchError as error:
        raise SystemExit(f"Error: {error}") from error
    with matplotlib.style.context(["default", STYLE]):
        figure.savefig(options.output, format="svg", metadata={"Date": None})


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, metavar="RESULTS")
    parser.add_argument("--output", type=Path, required=True, metavar="FIGURE.svg")
    parser.add_argument("--suite", metavar="NAME", help="default: a panel for each")
    parser.add_argument(
        "--index",
        metavar="NAME",
        help="with its setting, as the leaderboard shows it; default: the best row's",
    )
    return parser.parse_args(arguments)


def draw(found: Sequence[Table], index: str | None) -> Figure:
    """Return the figure, a panel for each table.

    Raises:
        EffbenchError: a table has no row with a score and a latency.

    """
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(7.5, 0.4 + 4.2 * len(found)), layout="constrained")
        FigureCanvasAgg(figure)  # measures texts
        panels = figure.subplots(len(found), 1, squeeze=False)[:, 0]
        drawn = [panel(axes, table, index) for axes, table in zip(panels, found, strict=True)]
        used = {kind for points in drawn for point in points for kind in point.latencies}
        handles = [
            Line2D([], [], ls="", label=KINDS[kind][0], **KINDS[kind][1])
            for kind in KINDS
            if kind in used
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
        figure.draw_without_rendering()  # labels look for room in the final layout
        figure.set_layout_engine("none")
        for axes, points in zip(panels, drawn, strict=True):
            taken = [box for point in points for box in covered(axes, point)]
            for point in points:
                taken.append(label(axes, point, taken))
    return figure


def panel(axes: Axes, table: Table, index: str | None) -> list[Point]:
    """Draw the points of a table and return them."""
    index = index or next((str(line["index"]) for line in table.lines if line["index"]), "")
    points = list(points_of(table, index))
    through = f", index {index}" if index else ""
    title = f"{table.suite} on {table.machine}{through}"
    if not points:
        raise EffbenchError(
            f"{title}: no row with a score and a latency "
            "(run the suite with latency, or say another --index)"
        )
    missing = {str(line["row"]) for line in table.lines} - {point.row for point in points}
    if missing:
        print(f"{title}: no score or no latency of {', '.join(sorted(missing))}")
    for point in points:
        for kind, latency in point.latencies.items():
            axes.plot(latency, point.score, ls="", ms=5, zorder=3, **KINDS[kind][1])
        axes.hlines(point.score, *span(point), colors="0.6", lw=0.7)
    axes.set_xscale("log")
    axes.margins(0.12)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.set_title(title, loc="left", parse_math=False)
    axes.set(xlabel="ms to encode a query, p50 at batch 1", ylabel=table.headline)
    teachers = {round(point.score / point.kept, 9) for point in points if point.kept}
    if len(teachers) == 1:
        add_shares(axes, teachers.pop())
    return points


def points_of(table: Table, index: str) -> Iterator[Point]:
    """Yield the rows of a table, through one index, that have a score and a latency."""
    for line in table.lines:
        columns = {"system": "end to end p50 ms"}
        if line["index"]:
            columns = {"typed": "after last word p50 ms", "whole": "encode p50 ms"}
        values = {kind: line[column] for kind, column in columns.items()}
        latencies = {kind: float(ms) for kind, ms in values.items() if ms is not None}
        score, kept = line[table.headline], line["kept"]
        if line["index"] in ("", index) and latencies and score is not None:
            share = None if kept is None else float(kept)
            yield Point(str(line["row"]), float(score), share, latencies)


def span(point: Point) -> tuple[float, float]:
    """Return the least and the most of a row's latencies."""
    return min(point.latencies.values()), max(point.latencies.values())


def add_shares(axes: Axes, teacher: float) -> None:
    """Add the axis of shares of the teacher's score."""

    def share(score: Any) -> Any:
        return score / teacher

    def score(share: Any) -> Any:
        return share * teacher

    right = axes.secondary_yaxis("right", (share, score))
    right.set_ylabel("kept of the teacher's score")
    right.yaxis.set_major_formatter(PercentFormatter(1))


def covered(axes: Axes, point: Point) -> Iterator[Bbox]:
    """Yield where the markers of a point and the line between them are."""
    spots = [axes.transData.transform((x, point.score)) for x in span(point)]
    for x, y in spots:
        yield Bbox.from_bounds(x - 5, y - 5, 10, 10)
    yield Bbox.from_extents(spots[0][0], spots[0][1] - 1, spots[1][0], spots[1][1] + 1)


def label(axes: Axes, point: Point, taken: Sequence[Bbox]) -> Bbox:
    """Write a row's name where it covers nothing, as near to its points as can be."""
    note = axes.annotate(
        point.row, (0, point.score), (0, 0), textcoords="offset points", parse_math=False
    )
    note.set_in_layout(False)
    for distance, side, x in product(range(NEAREST, 90, 4), SIDES, span(point)):
        note.xy, note.xyann = (x, point.score), (distance * side[0], distance * side[1])
        note.set(ha=SIDES[side][0], va=SIDES[side][1])
        box = note.get_window_extent().padded(1)
        if within(box, axes.bbox) and not any(box.overlaps(other) for other in taken):
            break
    if distance > NEAREST:
        line = {"arrowstyle": "-", "lw": 0.5, "color": "0.6", "shrinkA": 0, "shrinkB": 3}
        axes.annotate("", note.xy, note.xyann, textcoords="offset points", arrowprops=line)
    return box


def within(box: Bbox, outer: Bbox) -> bool:
    """Say whether a box is inside another one."""
    wide, high = outer.x0 <= box.x0 and box.x1 <= outer.x1, outer.y0 <= box.y0
    return bool(wide and high and box.y1 <= outer.y1)


if __name__ == "__main__":
    main()
