"""The parser of BEIR's three files: errors name the path and the line of a mistake."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO

import effbench
from effbench.files import checked_id, checked_relevance, checked_text, json_objects, lines_of

HEADER = ["query-id", "corpus-id", "score"]


def read_docs(path: str, stream: IO[bytes]) -> Iterator[effbench.Doc]:
    """Yield the docs of a corpus.jsonl; ``title`` may be absent.

    Raises:
        EffbenchError: with ``path:line``, for a malformed line.

    """
    for where, record in json_objects(lines_of(path, stream)):
        doc_id = checked_id(record.get("_id"), f"{where}: _id")
        text = checked_text(record.get("text"), f"{where}: text")
        title = checked_text(record.get("title", ""), f"{where}: title")
        yield effbench.Doc(doc_id, text, title)


def read_queries(path: str, stream: IO[bytes]) -> Iterator[effbench.Query]:
    """Yield the queries of a queries.jsonl.

    Raises:
        EffbenchError: with ``path:line``, for a malformed line.

    """
    for where, record in json_objects(lines_of(path, stream)):
        query_id = checked_id(record.get("_id"), f"{where}: _id")
        yield effbench.Query(query_id, checked_text(record.get("text"), f"{where}: text"))


def read_qrels(path: str, stream: IO[bytes]) -> Iterator[effbench.Qrel]:
    """Yield the judgments of a qrels/SPLIT.tsv, whose first line is the header.

    Raises:
        EffbenchError: with ``path:line``, for a missing header and for a malformed line.

    """
    rows = ((where, _columns(where, line)) for where, line in lines_of(path, stream))
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


def _columns(where: str, line: str) -> list[str]:
    # BEIR writes and reads these files with csv: an id that contains quotes is quoted.
    try:
        columns = next(csv.reader([line], delimiter="\t"))
    except csv.Error as error:  # such as a quoted column that does not end
        reason = "a carriage return inside the line" if "\r" in line else error
        raise effbench.EffbenchError(f"{where}: {reason} (write plain ids)") from None
    if len(columns) != len(HEADER):
        raise effbench.EffbenchError(
            f"{where}: columns: {len(columns)}, not {len(HEADER)} (put one TAB between columns)"
        )
    return columns
