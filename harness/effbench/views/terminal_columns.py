"""A column of a table on a terminal: its heading and cells, broken into lines."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len

from effbench.text.printing import harmless
from effbench.views.render import TEXTS, cell_text
from effbench.views.tables import Table

LINES = 2
"""The most lines in a cell of words, which is broken at blanks if not all columns fit."""

HEAD = 3
"""The most lines in a heading, which is broken likewise."""


@dataclass(frozen=True)
class Column:
    """A heading and cells; each of them has one or more lines."""

    name: str
    head: Sequence[str]
    cells: Sequence[Sequence[str]]

    @classmethod
    def whole(cls, table: Table, name: str) -> Column:
        """Return a column in which each cell has one line."""
        return cls(name, [plain(name)], [[text] for text in texts_of(table, name)])

    @classmethod
    def folded(cls, table: Table, name: str) -> Column:
        """Return a narrow column: intervals stand below figures, words break at blanks."""
        texts, head = texts_of(table, name), plain(name)
        if name in TEXTS and name != "row":
            room = max(_narrowest(text, LINES) for text in (*texts, ""))
            cells = [_broken(text, room) for text in texts]
        else:
            cells = [text.replace(" [", "\n[").split("\n") for text in texts]
            room = _widest(cells)
        return cls(name, _broken(head, max(room, _narrowest(head, HEAD))), cells)

    @cached_property
    def width(self) -> int:
        """The width of the widest line; a Chinese character has width two."""
        return _widest([self.head, *self.cells])

    def lines(self, cell: Sequence[str]) -> list[str]:
        """Return the lines of a cell, padded to the width of the column."""
        blanks = [" " * (self.width - cell_len(line)) for line in cell]
        left = self.name in TEXTS
        return [
            line + blank if left else blank + line
            for line, blank in zip(cell, blanks, strict=True)
        ]


def texts_of(table: Table, name: str) -> list[str]:
    """Return the texts of a column's cells, one for each line of the table."""
    return [plain(cell_text(table, line, name)) for line in table.lines]


def plain(text: str) -> str:
    """Return a text as one line that a terminal shows as it is."""
    return harmless(" ".join(text.split()))


def _widest(parts: Sequence[Sequence[str]]) -> int:
    return max((cell_len(line) for part in parts for line in part), default=0)


def _narrowest(text: str, lines: int) -> int:
    """Return the least width at which a text, broken at blanks, has at most ``lines`` lines."""
    least = max(map(cell_len, text.split(" ")))
    widths = range(least, cell_len(text))
    return least + bisect_left(widths, True, key=lambda w: len(_broken(text, w)) <= lines)


def _broken(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken at blanks; words longer than ``width`` stay whole."""
    first, *words = text.split(" ")
    lines = [first]
    for word in words:
        longer = f"{lines[-1]} {word}"
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
