"""Users' tables in CSV, TSV or JSONL: reads the columns that a dataset names.

The file may be gzipped. Its name decides the format: ``.tsv``, ``.jsonl`` (or ``.ndjson``,
``.json``), and CSV for all other names. CSV and TSV begin with a header. A cell of CSV may be
quoted; TSV has no quotes. In JSONL each line is an object, and a missing key is an empty cell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.store.reading import (
    checked_text,
    json_objects,
    kind_of,
    numbered,
    opened,
    read_lines,
    shown,
)
from effbench.text.suggestions import suggest
from effbench.text.words import counted

LONGEST_CELL = 1 << 24
"""The most characters of a cell: with an open quotation mark, the cell would never end."""

LOOKED_AT = 100
"""The number of first lines of JSONL that must contain every column."""

FOREIGN = (
    *(".xlsx", ".xls", ".ods", ".parquet", ".feather"),
    *(".zip", ".tar", ".tgz", ".tar.gz", ".bz2", ".xz", ".zst"),
)
SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class TabularFile:
    """A file with named columns; ``delimiter`` separates the columns of CSV."""

    path: Path
    delimiter: str = ","

    @property
    def kind(self) -> str:
        """The format: ``csv``, ``tsv`` or ``jsonl``."""
        ending = Path(self.path.name.lower().removesuffix(".gz")).suffix
        kinds = {".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
        return kinds.get(ending, "csv")

    def check(self, columns: Sequence[str]) -> None:
        """Check that the columns exist, in the header or in the first lines of JSONL.

        Raises:
            EffbenchError: a column is missing, or the file cannot be read.

        """
        if self.path.name.lower().endswith(FOREIGN):
            raise EffbenchError(f"{self.path}: no CSV, TSV or JSONL (save or unpack it as one)")
        if not self.path.is_file():
            raise EffbenchError(f"{self.path}: no such file (is its name right?)")
        if self.kind == "jsonl":
            self._check_keys(columns)
        else:
            self._places(self._header(self._lists()), columns)

    def rows(self, columns: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
        """Yield ``path:line`` of the start of each row, and the row's cells of ``columns``.

        Raises:
            EffbenchError: as `check`, and for a malformed row, with ``path:line``.

        """
        if self.kind == "jsonl":
            self._check_keys(columns)
            for where, record in json_objects(read_lines(self.path)):
                yield where, [_text(record.get(name), f"{where}: {name}") for name in columns]
            return
        lists = self._lists()
        header = self._header(lists)
        places = self._places(header, columns)
        for line, row in lists:
            where = f"{self.path}:{line}"
            if len(row) != len(header):
                raise EffbenchError(
                    f"{where}: {counted(len(row), 'cells')}, where the header has "
                    f"{len(header)} ({self._mend(len(row) < len(header))})"
                )
            yield where, [row[place] for place in places]

    def _mend(self, too_few: bool) -> str:
        if too_few:
            return "a cell is missing: write it, even if it is empty"
        if self.kind == "tsv":
            return "put no TAB into a cell"
        return f"quote a cell that holds {shown(self.delimiter)}"

    def _check_keys(self, columns: Sequence[str]) -> None:
        first = islice(json_objects(read_lines(self.path)), LOOKED_AT)
        keys = dict.fromkeys(key for _, record in first for key in record)
        if not keys:
            raise EffbenchError(f"{self.path}: an empty file (write a JSON object a line)")
        for column in columns:
            if column not in keys:
                raise self._missing(column, list(keys), "its first lines have")

    def _header(self, lists: Iterator[tuple[int, list[str]]]) -> list[str]:
        _, header = next(lists, (0, []))
        if not header:
            raise EffbenchError(f"{self.path}: an empty file (begin with a header)")
        return header

    def _places(self, header: list[str], columns: Sequence[str]) -> list[int]:
        """Return the position of each column in a row, from 0."""
        for column in columns:
            if column not in header:
                raise self._missing(column, header, "its header has")
            if header.count(column) > 1:
                raise EffbenchError(
                    f"{self.path}:1: two columns are called {shown(column)} (rename one)"
                )
        return [header.index(column) for column in columns]

    def _missing(self, column: str, has: list[str], holder: str) -> EffbenchError:
        where = f"{self.path}:1: no column {shown(column)}"
        mark = next((mark for mark in SEPARATORS if len(has) == 1 and mark in has[0]), None)
        if mark:
            wanted = "TABs" if self.kind == "tsv" else shown(self.delimiter)
            return EffbenchError(
                f"{where}: its header is one cell, {shown(has[0])} (separate the columns by "
                f"{wanted}, or give the dataset a .csv and delimiter: {shown(mark)})"
            )
        near = suggest(column, has)
        hint = f"{near} " if near.startswith("did you mean") else ""
        return EffbenchError(f"{where} ({hint}{holder} {', '.join(map(shown, has))[:200]})")

    def _lists(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line number of the start of each row, and its cells, without blank rows."""
        options: dict[str, Any] = {"delimiter": self.delimiter}
        if self.kind == "tsv":
            options = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
        with opened(self.path) as stream:
            lines = (line for _, line in numbered(str(self.path), stream))
            reader = csv.reader(lines, strict=True, **options)
            while True:
                line = reader.line_num + 1
                limit = csv.field_size_limit(LONGEST_CELL)  # a setting of the whole process
                try:
                    row = next(reader, None)
                except csv.Error as error:
                    reason = _reason(str(error), reader.line_num)
                    raise EffbenchError(f"{self.path}:{line}: {reason}") from None
                finally:
                    csv.field_size_limit(limit)
                if row is None:
                    return
                if len(row) > 1 or "".join(row).strip():
                    yield line, row


def _reason(message: str, line: int) -> str:
    """Return a clearer text for a message of csv about a row that ends on ``line``."""
    if message.startswith("field larger"):
        size = f"a cell of more than {LONGEST_CELL >> 20} million characters"
        return f"{size} (is a quotation mark left open?)"
    if message.startswith("unexpected end"):
        return "a quotation mark opens a cell and none closes it (close it)"
    if message.startswith("new-line"):
        return "a carriage return inside the line (end lines with LF or CRLF)"
    if "expected after" in message:
        return (
            f"a quoted cell goes on behind its closing mark on line {line} "
            "(write a mark inside a quoted cell twice)"
        )
    return f"{message} (mend it)"


def _text(value: object, label: str) -> str:
    """Return a JSON value as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, str):
        return checked_text(value, label)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EffbenchError(f"{label} is {kind_of(value)} (give a string or a number)")
    return str(value)
