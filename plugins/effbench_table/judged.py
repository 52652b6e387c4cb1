"""The judgments of the dataset ``table``: read from their file, or counted from clicks."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import effbench
from effbench.files import (
    TabularFile,
    checked_id,
    checked_qrel,
    counted,
    distinct_qrels,
    shown,
)
from effbench_table.docs import DocsFile
from effbench_table.queries import QueriesFile, id_of, plain

log = logging.getLogger(__name__)


class Row(NamedTuple):
    """A row of judgments or clicks; ``value`` is None if the file has no column for it."""

    where: str
    query_id: str
    doc_id: str
    value: str | None


class JudgedFile(NamedTuple):
    """A file of judgments or clicks, its columns, and the files of its queries and docs.

    If ``queries`` is None, the column ``query`` contains texts; else it contains ids. If
    ``thresholds`` is None, rows are judgments. Else rows are clicks, and the clicks of a doc
    for a query are added up. The thresholds are numbers of clicks in order: the relevance of
    a doc is the number of thresholds that its clicks reach.
    """

    file: TabularFile
    query: str
    doc: str
    value: str | None
    queries: QueriesFile | None
    docs: DocsFile
    drop_unknown: bool
    thresholds: Sequence[int] | None

    @property
    def columns(self) -> list[str]:
        """All columns that are read."""
        return [self.query, self.doc, *([self.value] if self.value else [])]

    def texts(self) -> dict[str, str]:
        """Return query_id -> text, in the order of the ids.

        Without a file of queries, a query has its most frequent spelling. The result does not
        depend on the order of the rows.

        Raises:
            EffbenchError: with ``path:line``, for a malformed row.

        """
        if self.queries:
            return self.queries.texts()
        spellings: Counter[str] = Counter()
        for where, (query, _, *value) in self.file.rows(self.columns):
            times = _count(value[0], where) if value and self.thresholds is not None else 1
            spellings[plain(query, where)] += times
        texts: dict[str, str] = {}
        for text, _ in sorted(spellings.items(), key=lambda item: (-item[1], item[0])):
            texts.setdefault(id_of(text), text)
        return dict(sorted(texts.items()))

    def qrels(self, texts: Mapping[str, str]) -> Iterator[effbench.Qrel]:
        """Yield the judgments in the order of ids; ``texts`` has the ids of all queries.

        Raises:
            EffbenchError: with ``path:line``, for a row that is malformed, contradicts another
                row, or names an unknown query or doc; or no doc is relevant.

        """
        rows = self._rows(texts, self._unknown())
        if self.thresholds is None:
            qrels, few = sorted(self._graded(rows)), ""
        else:
            qrels = sorted(self._clicked(rows, self.thresholds))
            few = f" with {counted(self.thresholds[0], 'clicks')} or more"
        if not qrels:
            raise effbench.EffbenchError(
                f"{self.file.path}: no query has a doc{few} (are the columns right"
                f"{', is least too large' if few else ''}?)"
            )
        yield from qrels

    def _unknown(self) -> set[str]:
        """Return the ids of docs that rows name and the corpus, read as a stream, lacks."""
        named = {doc_id for _, (doc_id,) in self.file.rows([self.doc])}
        for doc_id in self.docs.ids():
            named.discard(doc_id)
        return named

    def _rows(self, texts: Mapping[str, str], unknown: Collection[str]) -> Iterator[Row]:
        dropped = 0
        for where, (query, doc, *value) in self.file.rows(self.columns):
            doc_id = checked_id(doc, f"{where}: {self.doc}")
            if self.queries is None:
                query_id = id_of(plain(query, where))
            else:
                query_id = checked_id(query, f"{where}: {self.query}")
            if query_id in texts and doc_id not in unknown:
                yield Row(where, query_id, doc_id, value[0] if value else None)
                continue
            if not self.drop_unknown:
                raise self._lacks(where, query_id, doc_id, unknown)
            dropped += 1
        if dropped:
            log.info("%s: rows of what is not there, dropped: %d", self.file.path, dropped)

    def _lacks(
        self, where: str, query_id: str, doc_id: str, unknown: Collection[str]
    ) -> effbench.EffbenchError:
        if doc_id in unknown:
            lacking = counted(len(unknown), "docs")
            problem = f"doc {shown(doc_id)} is not in {self.docs.file.path.name}"
            problem = f"{problem}, which lacks {lacking} of this file"
        else:
            queries = self.queries or self
            problem = f"query {shown(query_id)} is not in {queries.file.path.name}"
        return effbench.EffbenchError(
            f"{where}: {problem} (mend the id, or leave such rows out: unknown: drop)"
        )

    def _graded(self, rows: Iterator[Row]) -> Iterator[effbench.Qrel]:
        return distinct_qrels(
            (where, checked_qrel((query_id, doc_id, 1 if value is None else value), where))
            for where, query_id, doc_id, value in rows
        )

    def _clicked(
        self, rows: Iterator[Row], thresholds: Sequence[int]
    ) -> Iterator[effbench.Qrel]:
        clicks: dict[tuple[str, str], int] = {}
        for where, query_id, doc_id, value in rows:
            pair = query_id, doc_id
            clicks[pair] = clicks.get(pair, 0) + (1 if value is None else _count(value, where))
        for pair, count in clicks.items():
            if relevance := bisect_right(thresholds, count):
                yield effbench.Qrel(*pair, relevance)


def _count(value: str, where: str) -> int:
    number = value.strip()
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise effbench.EffbenchError(
            f"{where}: {shown(value)} is no number of clicks (write 0, 1, 2, ...)"
        )
    return int(number)
