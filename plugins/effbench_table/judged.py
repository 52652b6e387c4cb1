"""What is relevant to which query: rows of judgments, or of clicks, which are counted."""

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
    """A row that says something of a query and a doc; a value of None is not in the file."""

    where: str
    query_id: str
    doc_id: str
    value: str | None


class Judged(NamedTuple):
    """A file of judgments or clicks, its columns, and the files of what it names.

    Without ``queries``, the column ``query`` holds texts. Without ``steps``, rows are
    judgments. With them they are clicks, which are summed up: the relevance of a doc is how
    many of the steps, numbers of clicks in order, its clicks for the query reach.
    """

    file: TabularFile
    query: str
    doc: str
    value: str | None
    queries: QueriesFile | None
    docs: DocsFile
    drop_unknown: bool
    steps: Sequence[int] | None

    @property
    def columns(self) -> list[str]:
        """All columns that are read."""
        return [self.query, self.doc, *([self.value] if self.value else [])]

    def texts(self) -> dict[str, str]:
        """Return the text of each query's id; of equal queries the spelling that is most used.

        Neither it nor the order, that of the ids, changes when the rows change theirs.
        """
        if self.queries:
            return self.queries.texts()
        asked: Counter[str] = Counter()
        for where, (query, _, *value) in self.file.rows(self.columns):
            times = _count(value[0], where) if value and self.steps is not None else 1
            asked[plain(query, where)] += times
        texts: dict[str, str] = {}
        for text, _ in sorted(asked.items(), key=lambda spelling: (-spelling[1], spelling[0])):
            texts.setdefault(id_of(text), text)
        return dict(sorted(texts.items()))

    def qrels(self, texts: Mapping[str, str]) -> Iterator[effbench.Qrel]:
        """Yield the judgments of the queries in ``texts``, which are all, in order of ids.

        Raises:
            EffbenchError: with ``path:line``, for a row that is malformed, contradicts another
                or names what is not there; or none is left.

        """
        rows = self._rows(texts, self._unknown())
        graded = self._graded(rows) if self.steps is None else self._clicked(rows, self.steps)
        found = sorted(graded)
        if not found:
            few = (
                ""
                if self.steps is None
                else f" with {counted(self.steps[0], 'clicks')} or more"
            )
            raise effbench.EffbenchError(
                f"{self.file.path}: no query has a doc{few} (are the columns right"
                f"{', is least too large' if few else ''}?)"
            )
        yield from found

    def _unknown(self) -> set[str]:
        """Return the docs that rows name and the corpus lacks: of it no more is held."""
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
            what = f"doc {shown(doc_id)} is not in {self.docs.file.path.name}"
            what = f"{what}, which lacks {lacking} of this file"
        else:
            queries = self.queries or self
            what = f"query {shown(query_id)} is not in {queries.file.path.name}"
        return effbench.EffbenchError(
            f"{where}: {what} (mend the id, or leave such rows out: unknown: drop)"
        )

    def _graded(self, rows: Iterator[Row]) -> Iterator[effbench.Qrel]:
        return distinct_qrels(
            (where, checked_qrel((query_id, doc_id, 1 if value is None else value), where))
            for where, query_id, doc_id, value in rows
        )

    def _clicked(self, rows: Iterator[Row], steps: Sequence[int]) -> Iterator[effbench.Qrel]:
        clicks: dict[tuple[str, str], int] = {}
        for where, query_id, doc_id, value in rows:
            pair = query_id, doc_id
            clicks[pair] = clicks.get(pair, 0) + (1 if value is None else _count(value, where))
        for pair, count in clicks.items():
            if relevance := bisect_right(steps, count):
                yield effbench.Qrel(*pair, relevance)


def _count(value: str, where: str) -> int:
    number = value.strip()
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise effbench.EffbenchError(
            f"{where}: {shown(value)} is no number of clicks (write 0, 1, 2, ...)"
        )
    return int(number)
