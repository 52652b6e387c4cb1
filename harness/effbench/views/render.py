"""Tables as Markdown, CSV, JSON and LaTeX; what a cell shows. Terminals: `layout`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from effbench.statistics.row_latency import Value
from effbench.text.printing import escaped_json, harmless
from effbench.views.tables import Table

TEXTS = ("row", "index", "dataset", "datasets", "latency", "trained on", "expected", "baseline")
"""Columns of words, aligned to the left."""

BOUNDS = ("low", "high")
"""Ends of the names of an interval's columns: its figure's name stands before them."""

FORMULA = ("=", "+", "-", "@", "\t", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula, wide characters among it."""

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def markdown(tables: Sequence[Table]) -> str:
    """Return Markdown, a heading and a table for each suite and machine; no empty columns."""
    parts = []
    for table in tables:
        columns = for_people(table)
        parts.append(f"## {markdown_text(table.suite)} on {markdown_text(table.machine)}\n\n")
        parts.append("| " + " | ".join(markdown_text(name) for name in columns) + " |\n")
        parts.append("|" + "".join(f" {_dashes(name)} |" for name in columns) + "\n")
        for line in table.lines:
            texts = {name: shown(table, line, name) for name in columns}
            cells = (
                markdown_text(t) if isinstance(line.get(n), str) else t
                for n, t in texts.items()
            )
            parts.append("| " + " | ".join(cells) + " |\n")
        remarks = [*baseline_said(table), *table.remarks]
        if remarks:
            parts.append("\n")
        parts += [f"- {markdown_text(remark)}\n" for remark in remarks]
        parts.append("\n")
    return "".join(parts[:-1])


def comma_separated(tables: Sequence[Table]) -> str:
    """Return CSV of all tables, full precision, suite and machine in front."""
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
    """Return JSON of all tables, full precision."""
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
    """Yield the lines of a table as JSON holds them: what is expected as numbers."""
    for number, line in enumerate(table.lines):
        known: dict[str, object] = {n: own for n, own in line.items() if n in table.columns}
        if table.expected and "expected" in known:
            known["expected"] = [one.facts() for one in table.expected[number]]
        yield known


def latex(tables: Sequence[Table]) -> str:
    """Return a table environment for each suite and machine; needs booktabs."""
    return "\n".join(map(_latex_table, tables))


def _latex_table(table: Table) -> str:
    columns = for_people(table)
    align = "".join("l" if name in TEXTS else "r" for name in columns)
    caption = "; ".join((f"{table.suite} on {table.machine}", *baseline_said(table)))
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_latex(caption)}}}",
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        _latex_row([_latex(name) for name in columns]),
        r"\midrule",
        *(
            _latex_row([_latex(shown(table, line, name)) for name in columns])
            for line in table.lines
        ),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    remarks = [f"% {harmless(' '.join(remark.split()))}" for remark in table.remarks]
    return "\n".join([*lines, *remarks, ""])


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _latex(text: str) -> str:
    """Return text that LaTeX sets as it is, on one line."""
    visible = harmless(" ".join(text.split()))
    plain = "".join(LATEX.get(c, c) for c in visible)
    return f"{{}}{plain}" if plain.startswith(("[", "*")) else plain  # options of \\\\ else


FORMATS: dict[str, Callable[[Sequence[Table]], str]] = {
    "markdown": markdown,
    "csv": comma_separated,
    "json": as_json,
    "latex": latex,
}


def for_people(table: Table) -> list[str]:
    """Return the columns for people in which any line has something, or those asked for."""
    if table.chosen:
        return list(table.chosen)
    hidden = {*table.details, *(f"{n} {end}" for n in table.columns for end in BOUNDS)}
    return [
        n
        for n in table.columns
        if n not in hidden and any(line.get(n) not in (None, "") for line in table.lines)
    ]


def over_baseline(name: str) -> bool:
    """Tell whether the figures of a column depend on the baseline."""
    return name.partition(" ")[0] in ("kept", "p", "effect", "speed-up")


def baseline_said(table: Table) -> list[str]:
    """Return what the figures are over, if there are such figures."""
    depends = any(map(over_baseline, for_people(table)))
    return [f"baseline: {table.baseline}"] if table.baseline and depends else []


def shown(table: Table, line: Mapping[str, Value], name: str) -> str:
    """Return a value as people read it, with its interval if that is for people."""
    bounds = [f"{name} {end}" for end in BOUNDS]
    known = [line.get(bound) for bound in bounds if bound not in table.details]
    return spelled(name, line.get(name), *known)


def spelled(name: str, value: Value, *bounds: Value) -> str:
    """Return a value as people read it below a column's name, with both bounds if known."""
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
    """Return text that Markdown shows as it is, on one line."""
    text = harmless(" ".join(text.split()))
    for character in "\\|<>*_`[]&~":
        text = text.replace(character, f"\\{character}")
    return text


def _dashes(name: str) -> str:
    return "---" if name in TEXTS else "---:"


def _formula_safe(value: Value) -> Value:
    """Return a value that a spreadsheet will not take for a formula, on one line."""
    if not isinstance(value, str):
        return value
    text = harmless(value)
    return f"'{text}" if text.startswith(FORMULA) else text
