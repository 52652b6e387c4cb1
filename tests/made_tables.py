"""Tables made up, as a terminal draws them, read back."""

from __future__ import annotations

import re
from pathlib import Path

from rich.cells import cell_len

from effbench.board.leaderboard import boards
from effbench.views.layout import table_lines
from effbench.views.render import cell_text
from effbench.views.tables import Table, table
from made_records import OFFER, write_results

ROWS = ["all-MiniLM-L6-v2", "a-student-with-quite-a-name", "中文-encoder", "e\u0301\U0001f680"]


INDEX = {"index": {"name": "hnsw", **OFFER}, "search": {"efSearch": 64, "quantize": "int8"}}


def made(root: Path, **given: object) -> Table:
    facts = {"rows": ROWS, "datasets": 1, "retrievers": {"bm25": 2.0}, **INDEX, **given}
    write_results(root, **facts)
    (board,) = boards([root])
    return table(board)


def characters(line: str) -> list[str]:
    """Return what stands in each place of a line: a wide character takes two."""
    places: list[str] = []
    for one in line:
        if cell_len(one):
            places += [one, *[""] * (cell_len(one) - 1)]
        else:
            places[-1] += one
    return places


def parsed(lines: list[str]) -> list[dict[str, str]]:
    """Return the cells of a grid by heading; none where rows are listed."""
    rules = [place for place, line in enumerate(lines) if re.fullmatch(r"--[- ]*", line)]
    if not rules:
        return []
    spans = [found.span() for found in re.finditer("-+", lines[rules[0]])]
    end = next(i for i, line in enumerate(lines) if line.startswith("baseline: "))
    heads, *cells = (
        [["".join(characters(line)[a:b]).strip() for a, b in spans] for line in part]
        for part in (lines[1 : rules[0]], lines[rules[0] + 1 : end])
    )
    names = [" ".join(filter(None, parts)) for parts in zip(*heads, strict=True)]
    found: list[dict[str, str]] = []
    for own in cells[0]:
        line = dict(zip(names, own, strict=True))
        if line["row"]:
            found.append(line)
        else:
            found[-1] = {name: f"{found[-1][name]} {line[name]}".strip() for name in names}
    return found


def hidden(lines: list[str]) -> list[str]:
    """Return the columns that are said not to be shown."""
    said = [line for line in lines if line.startswith("not shown: ")]
    return said[0].removeprefix("not shown: ").partition(" (")[0].split(", ") if said else []


def listed(known: Table, lines: list[str]) -> None:
    """Hold that the lines list the rows whole, each with its setting and score."""
    for line in known.lines:
        place = lines.index(cell_text(known, line, "row"))
        paragraph = lines[place + 1 : lines.index("", place)]
        assert f"  nDCG@10: {cell_text(known, line, 'nDCG@10')}" in paragraph
        assert not line["index"] or f"  index: {line['index']}" in paragraph


def said_of(known: Table) -> str:
    return f"baseline: {known.baseline}"


def stacked(known: Table, width: float) -> list[dict[str, str]]:
    """Return the cells by heading, whether they stand in a grid, in some, or in a list."""
    title, *lines = table_lines(known, width)
    text = "\n".join(lines[: lines.index(said_of(known))])
    found: list[dict[str, str]] = [{} for _ in known.lines]
    for part in text.strip("\n").split("\n\n"):
        grid = parsed([title, *part.split("\n"), "baseline: "])
        for line, cells in zip(found, grid, strict=False):
            line |= cells
    return found
