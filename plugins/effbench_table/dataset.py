"""The dataset ``table``: its options, its keys and its splits."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import effbench
from effbench.files import TabularFile, counted, digest_of, text_digest
from effbench_table.docs import DocsFile
from effbench_table.judged import JudgedFile
from effbench_table.options import (
    checked_delimiter,
    checked_share,
    click_thresholds,
    judged_path,
    mistake,
    text_columns,
)
from effbench_table.queries import BUCKETS, QueriesFile, bucket

FORMAT = 2  # raise it when a change of the code gives other docs, queries or judgments


class Table:
    """Your own tables: CSV, TSV or JSONL, plain or gzipped, with any names of columns.

    The file ``docs`` has the columns ``id``, perhaps ``title``, and ``text`` (a list of
    columns is joined). The file ``judgments`` has the columns ``query``, ``doc`` and
    ``relevance``. In its place, a file ``clicks`` has the columns ``query``, ``doc`` and
    perhaps ``count``, the number of clicks of the row. A doc that was clicked at least
    ``least`` times for a query is relevant to it; with the list [1, 5], 5 clicks mean
    relevance 2.

    The column ``query`` has the text of the query. If there is a file ``queries`` with the
    texts (``query_text``), it has the query's id. Texts that differ only in case and white
    space are the same query, which is asked in its most frequent spelling.

    ``held_out`` is the share of the queries, by a hash of their texts, that are ``test``. All
    others are ``train``.

    Raises:
        EffbenchError: a file or column is missing; or, with ``path:line``, a row is malformed.

    """

    drop_self_hits = False  # queries are not docs

    def __init__(
        self,
        *,
        docs: Path,
        id: str = "id",
        title: str | None = None,
        text: str | list[str] = "text",
        judgments: Path | None = None,
        clicks: Path | None = None,
        query: str = "query",
        doc: str = "doc",
        relevance: str | None = "relevance",
        count: str | None = None,
        least: int | list[int] = 1,
        queries: Path | None = None,
        query_id: str = "id",
        query_text: str = "text",
        unknown: Literal["refuse", "drop"] = "refuse",
        held_out: float | None = None,
        split: Literal["test", "train"] = "test",
        delimiter: str = ",",
        name: str | None = None,
    ) -> None:
        judged, thresholds = judged_path(judgments, clicks, count, least)
        between = checked_delimiter(delimiter)
        self._docs = DocsFile(TabularFile(docs, between), id, title, text_columns(text))
        file_of_queries = None
        if queries is not None:
            file_of_queries = QueriesFile(TabularFile(queries, between), query_id, query_text)
        value = relevance if thresholds is None else count
        rows = TabularFile(judged, between)
        drop = unknown == "drop"
        self._judged = JudgedFile(
            rows, query, doc, value, file_of_queries, self._docs, drop, thresholds
        )
        for each in self._files:
            each.file.check(each.columns)
        self._held_out = checked_share(held_out)
        self._split: str = split
        if split not in self.splits:
            raise mistake("no train split (say which share is held out, as held_out: 0.2)")
        self._name = name

    @staticmethod
    def check(
        text: str | list[str],
        least: int | list[int],
        held_out: float | None,
        delimiter: str,
        **_: object,
    ) -> None:
        """Raise `EffbenchError` for an option that is wrong whatever the files contain."""
        text_columns(text)
        click_thresholds(least)
        checked_share(held_out)
        checked_delimiter(delimiter)

    @property
    def dataset_id(self) -> str:
        """A name such as ``products/test``."""
        file = Path(self._docs.file.path.name.removesuffix(".gz"))
        return self._name or f"{file.stem}/{self._split}"

    @property
    def note(self) -> str:
        """The remark that clicks are not judgments; "" for judgments."""
        if self._judged.thresholds is None:
            return ""
        clicks = counted(self._judged.thresholds[0], "clicks")
        return (
            f"relevance is inferred from {clicks} or more, "
            "not judged; what is shown first is clicked most"
        )

    @cached_property
    def corpus_key(self) -> str:
        """The digest of the docs: the content of their file, and the columns."""
        return digest_of([FORMAT, *_facts(self._docs)])

    @cached_property
    def _rows_key(self) -> str:
        """The digest of the files with queries and judgments, whatever the options are."""
        files = [_facts(each) for each in self._files[1:]]
        return digest_of([FORMAT, files])

    @property
    def key(self) -> str:
        """The digest of the queries and judgments of the split."""
        judged = [self._judged.thresholds, self._judged.drop_unknown]
        return digest_of([self._rows_key, judged, self._split, self._held_out])

    @property
    def parts(self) -> frozenset[tuple[str, str]]:
        """A part for each bucket of queries: different shares have some buckets in common."""
        return frozenset(
            (self.corpus_key, f"{self._rows_key}:{number}") for number in self._buckets
        )

    @property
    def splits(self) -> tuple[str, ...]:
        """``train`` and ``test`` if a share is held out; else all queries are ``test``."""
        return ("test",) if self._held_out == BUCKETS else ("train", "test")

    def split(self, name: str) -> Table:
        """Return the same docs with the queries and judgments of ``train`` or ``test``.

        Raises:
            EffbenchError: there is no such split.

        """
        if name not in self.splits:
            raise mistake(f"no split {name!r} (it has: {', '.join(self.splits)})")
        dataset = copy.copy(self)
        dataset._split = name
        if self._name and name != self._split:
            dataset._name = f"{self._name}/{name}"
        return dataset

    def docs_count(self) -> None:
        """Return None: counting the docs takes a pass over the file."""

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the docs in the order of their file."""
        return self._docs.docs()

    def queries(self) -> Iterator[effbench.Query]:
        """Yield the queries of the split, also queries without a relevant doc."""
        for query_id, text in self._judged.texts().items():
            if bucket(text) in self._buckets:
                yield effbench.Query(query_id, text)

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield the judgments of the split.

        Raises:
            EffbenchError: no judged query is in the split; or, with ``path:line``, a row is
                malformed.

        """
        texts = self._judged.texts()
        judged, is_empty = set(), True
        for qrel in self._judged.qrels(texts):
            judged.add(qrel.query_id)
            if bucket(texts[qrel.query_id]) in self._buckets:
                is_empty = False
                yield qrel
        if is_empty:
            raise effbench.EffbenchError(self._empty_split(len(judged)))

    def _empty_split(self, judged: int) -> str:
        """Return the message for a split without queries, and how to mend it."""
        mend = "raise" if self._split == "test" else "lower"
        return (
            f"{self._judged.file.path}: held_out: {self._held_out / BUCKETS:g} of "
            f"{counted(judged, 'queries')} with a doc leaves none for {self._split} "
            f"({mend} it, or add queries)"
        )

    @property
    def _buckets(self) -> range:
        held_out = range(self._held_out)
        return held_out if self._split == "test" else range(len(held_out), BUCKETS)

    @property
    def _files(self) -> list[DocsFile | JudgedFile | QueriesFile]:
        queries = [] if self._judged.queries is None else [self._judged.queries]
        return [self._docs, self._judged, *queries]


def _facts(source: DocsFile | JudgedFile | QueriesFile) -> list[Any]:
    """Return the facts that decide what is read from a file, for a key."""
    file = source.file
    between = file.delimiter if file.kind == "csv" else ""
    return [text_digest(file.path), file.kind, between, source.columns]
