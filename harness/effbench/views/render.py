"""Tables as Markdown, CSV and JSON, and the text of a cell. Other forms: `layout`, `latex`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from effbench.statistics.row_latency import Value
from effbench.text.printing import escaped_json, harmless
from effbench.views.tables import Table

TEXTS = (
    "row", "index", "dataset", "datasets", "latency", "trained on", "expected", "baseline",
    "family", "index family", "vectors",
)  # fmt: skip
"""Columns of words; they are aligned to the left."""

BOUNDS = ("low", "high")
"""The last words in the names of an interval's columns, after the name of the figure."""

STAR = "*"
"""Stands after a share that a row keeps, if its training saw data of what measures it."""

SEEN = "the row's training saw data of the collection that measures it (trained on)"

FORMULA = ("=", "+", "-", "@", "\t", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Characters with which a formula of a spreadsheet can begin, also in their wide forms."""


def markdown(tables: Sequence[Table]) -> str:
    """Return Markdown: for each table a heading, and its columns that are not empty."""
    parts = []
    for table in tables:
        columns = columns_for_people(table)
        parts.append(f"## {markdown_text(table.title)}\n\n")
        parts.append("| " + " | ".join(markdown_text(name) for name in columns) + " |\n")
        parts.append("|" + "".join(f" {_dashes(name)} |" for name in columns) + "\n")
        for line in table.lines:
            texts = {name: cell_text(table, line, name) for name in columns}
            cells = (
                markdown_text(t) if isinstance(line.get(n), str) else t
                for n, t in texts.items()
            )
            parts.append("| " + " | ".join(cells) + " |\n")
        remarks = [*legend(table), *table.remarks]
        if remarks:
            parts.append("\n")
        parts += [f"- {markdown_text(remark)}\n" for remark in remarks]
        parts.append("\n")
    return "".join(parts[:-1])


def comma_separated(tables: Sequence[Table]) -> str:
    """Return all tables as one CSV in full precision; suite and machine come first."""
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["suite", "machine", *map(_formula_safe, columns)])
    for table in tables:
        for line in table.lines:
            values = [table.suite, table.machine, *(line.get(name) for name in columns)]
            writer.writerow([_formula_safe(value) for value in values])
    return out.getvalue()


def as_json(tables: Sequence[Table]) -> str:
    """Return all tables as JSON with full precision."""
    data = [
        {
            "suite": table.suite,
            "machine": table.machine,
            "lines": list(_exact_lines(table)),
            "remarks": list(table.remarks),
        }
        for table in tables
    ]
    return escaped_json(json.dumps(data, indent=1, ensure_ascii=False)) + "\n"


def _exact_lines(table: Table) -> Iterator[dict[str, object]]:
    """Yield the lines of a table for JSON, with numbers in the column ``expected``."""
    for number, line in enumerate(table.lines):
        values: dict[str, object] = {n: v for n, v in line.items() if n in table.columns}
        if table.expected and "expected" in values:
            values["expected"] = [score.facts() for score in table.expected[number]]
        yield values


FORMATS: dict[str, Callable[[Sequence[Table]], str]] = {
    "markdown": markdown,
    "csv": comma_separated,
    "json": as_json,
}


def columns_for_people(table: Table) -> list[str]:
    """Return the columns that the user chose, else all columns for people with a value."""
    if table.chosen:
        return list(table.chosen)
    hidden = {*table.details, *(f"{n} {end}" for n in table.columns for end in BOUNDS)}
    return [
        n
        for n in table.columns
        if n not in hidden and any(line.get(n) not in (None, "") for line in table.lines)
    ]


def brief_columns(table: Table) -> list[str]:
    """Return the columns that the user chose, else the important columns with a value."""
    names = columns_for_people(table)
    important = table.chosen or table.importance
    return [name for name in names if name in important] if important else names


def depends_on_baseline(name: str) -> bool:
    """Tell whether the figures of a column depend on the baseline."""
    return name.partition(" ")[0] in ("kept", "p", "effect", "speed-up")


def legend(table: Table) -> list[str]:
    """Return the lines below a table for people: its baseline, and what a star means."""
    columns = columns_for_people(table)
    depends = any(map(depends_on_baseline, columns))
    baseline = [f"baseline: {table.baseline}"] if table.baseline and depends else []
    return [*baseline, *star_said(table, columns)]


def star_said(table: Table, columns: Sequence[str]) -> list[str]:
    """Return the line on the star, if a cell of the columns has one."""
    starred = any(_starred(line, name) for line in table.lines for name in columns)
    return [f"{STAR}: {SEEN}"] if starred else []


def cell_text(table: Table, line: Mapping[str, Value], name: str) -> str:
    """Return the text of a cell for people, with the interval if people are shown it."""
    bounds = [f"{name} {end}" for end in BOUNDS]
    known = [line.get(bound) for bound in bounds if bound not in table.details]
    text = value_text(name, line.get(name), *known)
    return starred_text(text) if _starred(line, name) else text


def starred_text(kept: str) -> str:
    """Return the text of a share that a row keeps of what its training has seen."""
    return kept.replace("%", f"%{STAR}", 1)


def _starred(line: Mapping[str, Value], name: str) -> bool:
    """Tell whether a column is a share, and the row's training saw data of what measures it."""
    figure, _, unit = name.partition(" ")
    known = figure == "kept" and line.get(name) is not None
    return known and bool(line.get(f"trained on {unit}".rstrip()))


def value_text(name: str, value: Value, *bounds: Value) -> str:
    """Return a value of a column as text for people, with both bounds if they are known."""
    text = _text(value, name)
    if len(bounds) < len(BOUNDS) or None in bounds:
        return text
    low, high = (_text(bound, name).removesuffix("%") for bound in bounds)
    return f"{text} [{low}, {high}]"


def _text(value: Value, name: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if name.partition(" ")[0] == "kept":
        return f"{value:.1%}"
    if name == "rank":
        return f"{value:.0f}"
    if name == "parameters":
        return f"{value / 1e6:,.1f}M" if value >= 1e6 else f"{value:,.0f}"
    if name.startswith("queries/s"):
        return f"{value:,.0f}"
    if name in ("steady", "spread"):
        return f"{value:.0%}"
    if name.endswith((" ms", " s", " MB", " mJ", "MB read")) or name.startswith("speed-up"):
        return f"{value:.3g}" if value < 100 else f"{value:,.0f}"
    return f"{value:.4f}"


def markdown_text(text: str) -> str:
    """Return Markdown that shows a text unchanged, on one line."""
    text = harmless(" ".join(text.split()))
    for character in "\\|<>*_`[]&~":
        text = text.replace(character, f"\\{character}")
    return text


def _dashes(name: str) -> str:
    return "---" if name in TEXTS else "---:"


def _formula_safe(value: Value) -> Value:
    """Return a value, on one line, that a spreadsheet does not read as a formula."""
    if not isinstance(value, str):
        return value
    text = harmless(value)
    return f"'{text}" if text.startswith(FORMULA) else text
