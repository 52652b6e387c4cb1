"""Parsing of BEIR's three files, with the place of every mistake."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import IO, Any

import effbench

HEADER = ["query-id", "corpus-id", "score"]


def read_docs(path: str, stream: IO[bytes]) -> Iterator[effbench.Doc]:
    """Yield the docs of a corpus.jsonl; ``title`` may be absent."""
    for where, record in _records(path, stream):
        doc_id = checked_id(record.get("_id"), f"{where}: _id")
        text = _checked_text(record.get("text"), f"{where}: text")
        title = _checked_text(record.get("title", ""), f"{where}: title")
        yield effbench.Doc(doc_id, text, title)


def read_queries(path: str, stream: IO[bytes]) -> Iterator[effbench.Query]:
    """Yield the queries of a queries.jsonl."""
    for where, record in _records(path, stream):
        query_id = checked_id(record.get("_id"), f"{where}: _id")
        yield effbench.Query(query_id, _checked_text(record.get("text"), f"{where}: text"))


def read_qrels(path: str, stream: IO[bytes]) -> Iterator[effbench.Qrel]:
    """Yield the judgments of a qrels/SPLIT.tsv, whose first line is the header."""
    rows = ((where, _columns(where, line)) for where, line in read_lines(path, stream))
    where, header = next(rows, (f"{path}:1", []))
    if header != HEADER:
        raise effbench.EffbenchError(
            f"{where}: the header is missing (begin with query-id TAB corpus-id TAB score)"
        )
    for where, (query_id, doc_id, score) in rows:
        yield effbench.Qrel(
            checked_id(query_id, f"{where}: query-id"),
            checked_id(doc_id, f"{where}: corpus-id"),
            checked_relevance(score, f"{where}: the score"),
        )


def read_lines(path: str, stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Yield ``path:line`` and the line without its end, for lines that are not blank."""
    for number, line in enumerate(stream, start=1):
        where = f"{path}:{number}"
        try:
            text = line.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise effbench.EffbenchError(
                f"{where}: {error.reason} at byte {error.start} (save the file as UTF-8)"
            ) from None
        if text.strip():
            yield where, text


def _records(path: str, stream: IO[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, line in read_lines(path, stream):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise effbench.EffbenchError(
                f"{where}: bad JSON: {error.msg} at column {error.colno} "
                "(write one JSON object a line)"
            ) from None
        if not isinstance(record, dict):
            raise effbench.EffbenchError(f"{where}: no JSON object (write one a line)")
        yield where, record


def _columns(where: str, line: str) -> list[str]:
    # BEIR writes and reads these files with csv: ids that hold quotes are quoted.
    try:
        found = next(csv.reader([line], delimiter="\t"))
    except csv.Error as error:  # a column without end, a NUL byte
        raise effbench.EffbenchError(f"{where}: {error} (write plain ids)") from None
    if len(found) != len(HEADER):
        raise effbench.EffbenchError(
            f"{where}: {len(found)} columns, not {len(HEADER)} (put one TAB between columns)"
        )
    return found


def checked_id(value: object, what: str) -> str:
    """Return an id that is a string without white space."""
    if not isinstance(value, str) or value.split() != [value]:
        shown = "missing" if value is None else f"{value!r}"
        raise effbench.EffbenchError(f"{what} is {shown} (take a string without white space)")
    return value


def checked_relevance(value: str, what: str) -> int:
    """Return the relevance that a column holds."""
    try:
        return int(value)
    except ValueError:
        raise effbench.EffbenchError(
            f"{what} {value!r} is no integer (take 0, 1, 2, ...)"
        ) from None


def _checked_text(value: object, what: str) -> str:
    if not isinstance(value, str):
        shown = "missing or null" if value is None else f"a {type(value).__name__}"
        raise effbench.EffbenchError(f"{what} is {shown} (take a string)")
    return value
