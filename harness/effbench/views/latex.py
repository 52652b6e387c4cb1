"""Tables in LaTeX: the best figures in bold, marks of significance, a caption and a label."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from effbench.api.errors import EffbenchError
from effbench.latency.spans import ENCODE
from effbench.statistics.significance import SIGNIFICANT
from effbench.text.names import slug
from effbench.text.printing import harmless
from effbench.text.words import plain_line
from effbench.views.machines import LATENCY
from effbench.views.render import (
    TEXTS,
    brief_columns,
    cell_text,
    depends_on_baseline,
    star_said,
    value_text,
)
from effbench.views.tables import MARKED, NAMES, Table
from effbench.views.terminal_columns import Column

ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}

SMALLEST = (" ms", " MB", " s", " mJ", "MB read", "parameters")
"""The ends of the names of columns in which the smallest figure is the best."""

LARGEST = ("kept", "speed-up", "queries/s", "exact hits")
"""The beginnings of the names of columns, beside scores, in which the largest is the best."""

MARK = r"$^{\dagger}$"
"""Stands after a score that differs from that of its baseline beyond chance."""

NEEDLESS = ("p", f"{ENCODE} p50 ms")
"""Columns that a terminal shows and paper has no room for, unless the user chooses them."""

LONGEST, WRAPPED = 36, "p{45mm}"
"""The most characters of a text in one line, and the column in which longer texts wrap."""

TEST = (
    rf"{MARK}: differs from the baseline with $p < {SIGNIFICANT}$ (paired randomisation test, "
    "Holm's correction for the rows)"
)

USES = "% \\usepackage{booktabs}\n"


class Cells(NamedTuple):
    """A column in LaTeX: its heading and cells, and what its cells have."""

    align: str
    head: str
    texts: Sequence[str]
    bold: bool
    marked: bool
    bounded: bool


def latex(tables: Sequence[Table], caption: str | None, label: str | None) -> str:
    """Return a table environment for each table; it needs the package booktabs.

    ``caption`` (LaTeX) and ``label`` stand in place of those that we make.

    Raises:
        EffbenchError: a caption or label for several tables, or a label that LaTeX refuses.

    """
    if len(tables) > 1 and (caption or label):
        raise EffbenchError(
            f"--{'caption' if caption else 'label'} is for one table, and there are "
            f"{len(tables)} (choose with --suite and --machine: "
            f"{', '.join(table.title for table in tables)})"
        )
    if label and not re.fullmatch(r"[\w:./+-]+", label, re.ASCII):
        raise EffbenchError(
            f"--label {plain_line(label, 60)}: no label (write letters, digits and :./+-_)"
        )
    return USES + "\n".join(_environment(table, caption, label) for table in tables)


def _environment(table: Table, caption: str | None, label: str | None) -> str:
    brief = [name for name in brief_columns(table) if name not in NEEDLESS]
    names = table.chosen or brief
    remarks = [f"% {harmless(' '.join(remark.split()))}" for remark in table.remarks]
    if not table.lines or ({*names} <= {*NAMES} and not table.chosen):
        return "\n".join([f"% {harmless(table.title)}: no figures", *remarks, ""])
    columns = [_cells(table, name) for name in names]
    said = " ".join(f"{text}." for text in _said(table, names, columns))
    lines = [
        r"\begin{table*}[t]",
        r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{caption or said}}}",
        rf"\label{{{label or _label(table)}}}",
        rf"\begin{{tabular}}{{{''.join(column.align for column in columns)}}}",
        r"\toprule",
        _row([column.head for column in columns]),
        r"\midrule",
        *map(_row, zip(*(column.texts for column in columns), strict=True)),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table*}",
    ]
    return "\n".join([*lines, *remarks, ""])


def _said(table: Table, names: Sequence[str], columns: Sequence[Cells]) -> Iterator[str]:
    """Yield the sentences of a caption in LaTeX: what the table is, and what its marks mean."""
    yield escaped(table.title)
    if any(column.bold for column in columns):
        yield "Bold: the best figure of a column"
    if any(column.bounded for column in columns):
        yield r"Brackets: 95\,\% intervals"
    marked = any(column.marked for column in columns)
    if table.baseline and (marked or any(map(depends_on_baseline, names))):
        yield escaped(f"Baseline: {table.baseline}")
    if marked:
        yield TEST
    yield from map(escaped, star_said(table, names))


def _label(table: Table) -> str:
    parts = (table.suite, table.part, table.machine if table.part == LATENCY else "")
    return "tab:" + "-".join(slug(part) for part in parts if part)


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cells(table: Table, name: str) -> Cells:
    head = r"\\".join(escaped(line) for line in Column.folded(table, name).head)
    texts = [cell_text(table, line, name) for line in table.lines]
    best = _best(table, name)
    marked = table.significant(name) if name in table.scores else frozenset[int]()
    align = "l" if name in TEXTS else "r"
    wraps = name in TEXTS and max(map(len, texts)) > LONGEST
    shown = [
        _words(text, wraps)
        if name in TEXTS
        else _figure(text, number in best, number in marked)
        for number, text in enumerate(texts)
    ]
    return Cells(
        WRAPPED if wraps else align,
        rf"\shortstack[{align}]{{{head}}}" if r"\\" in head else head,
        shown,
        bold=bool(best),
        marked=bool(marked),
        bounded=name not in TEXTS and any(" [" in text for text in texts),
    )


def _words(text: str, wraps: bool) -> str:
    """Return a text in LaTeX; one that wraps may also break after signs that join words."""
    if not wraps:
        return escaped(text)
    parts = (escaped(part) for part in re.split(r"(?<=[-_/.=,:])", text))
    broken = r"\allowbreak ".join(parts)
    return rf"{{\raggedright {broken}\par}}"


def _figure(text: str, best: bool, marked: bool) -> str:
    """Return a figure, its mark and its interval in LaTeX."""
    figure, bracket, rest = text.partition(" [")
    shown = rf"\textbf{{{escaped(figure)}}}" if best else escaped(figure)
    interval = rf" {{\scriptsize [{escaped(rest)}}}" if bracket else ""
    return shown + MARK * marked + interval


def _best(table: Table, name: str) -> Collection[int]:
    """Return the lines with the best figure of a column, as it is written; none if all tie.

    Lines without a rank are never the best, nor are times that are marked.
    """
    sign = 1 if name in table.scores or name.startswith(LARGEST) else -1
    if sign < 0 and not name.endswith(SMALLEST):
        return ()
    texts: dict[int, str] = {}
    values: dict[int, float] = {}
    for number, line in enumerate(table.lines):
        value = line.get(name)
        doubtful = name in table.of_machine and line.get(MARKED)
        if isinstance(value, int | float) and line.get("rank") is not None and not doubtful:
            values[number], texts[number] = sign * value, value_text(name, value)
    if len({*texts.values()}) < 2:
        return ()
    best = texts[max(values, key=lambda number: values[number])]
    return [number for number, text in texts.items() if text == best]


def escaped(text: str) -> str:
    """Return LaTeX that prints a text unchanged, on one line."""
    visible = harmless(" ".join(text.split()))
    plain = "".join(ESCAPES.get(c, c) for c in visible)
    # after the \\ of the line before, [ and * would be read as its options
    return f"{{}}{plain}" if plain.startswith(("[", "*")) else plain
