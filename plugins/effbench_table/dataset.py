"""Your own tables as a dataset: docs in one file, judgments or clicks in another."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import effbench
from effbench.files import TabularFile, counted, digest_of, text_digest
from effbench_table.docs import DocsFile
from effbench_table.judged import Judged
from effbench_table.queries import BUCKETS, QueriesFile, bucket

FORMAT = 2  # raise it when the same files give other docs, queries or judgments


class Table:
    """Tables of your own: CSV, TSV or JSONL, plain or gzipped, with columns of any name.

    ``docs`` has the columns ``id``, perhaps ``title``, and ``text``, one or several that are
    joined. ``judgments`` has ``query``, ``doc`` and ``relevance``; ``clicks`` in its stead has
    ``query``, ``doc``, and perhaps ``count``, clicks that the row stands for: a doc is relevant
    to a query for which it was clicked ``least`` times (of a list [1, 5], 5 clicks are
    relevance 2). ``query`` holds the query's text, or its id if a file of ``queries`` has its
    ``query_text``. Of equal texts, case and white space aside, the query is the same, and is
    asked as it is spelled most.
    ``held_out`` is the share of queries, by a hash of their texts, that are ``test``; the
    others are ``train``.
    Raises `EffbenchError` for missing files and columns, and with ``path:line`` for what is
    malformed.
    """

    drop_self_hits = False  # queries are no docs

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
        judged, steps = _judged(judgments, clicks, count, least)
        between = _checked_delimiter(delimiter)
        self._docs = DocsFile(TabularFile(docs, between), id, title, _columns(text))
        asked = None
        if queries is not None:
            asked = QueriesFile(TabularFile(queries, between), query_id, query_text)
        value = relevance if steps is None else count
        rows = TabularFile(judged, between)
        drop = unknown == "drop"
        self._judged = Judged(rows, query, doc, value, asked, self._docs, drop, steps)
        for each in self._files:
            each.file.check(each.columns)
        self._held_out = _checked_share(held_out)
        self._split: str = split
        if split not in self.splits:
            raise _mistake("no train split (say which share is held out, as held_out: 0.2)")
        self._name = name

    @staticmethod
    def check(
        text: str | list[str],
        least: int | list[int],
        held_out: float | None,
        delimiter: str,
        **_: object,
    ) -> None:
        """Raise `EffbenchError` for an option that is wrong whatever the others are."""
        _columns(text)
        _steps(least)
        _checked_share(held_out)
        _checked_delimiter(delimiter)

    @property
    def dataset_id(self) -> str:
        """Such as ``products/test``."""
        file = Path(self._docs.file.path.name.removesuffix(".gz"))
        return self._name or f"{file.stem}/{self._split}"

    @property
    def note(self) -> str:
        """What clicks are not."""
        if self._judged.steps is None:
            return ""
        return (
            f"relevance is inferred from {counted(self._judged.steps[0], 'clicks')} or more, "
            "not judged; what is shown first is clicked most"
        )

    @cached_property
    def corpus_key(self) -> str:
        """Says what the docs are: a digest of the file's content, and the columns."""
        return digest_of([FORMAT, *_facts(self._docs)])

    @cached_property
    def _asked(self) -> str:
        """Says which queries and rows there are, whatever becomes of them."""
        files = [_facts(each) for each in self._files[1:]]
        return digest_of([FORMAT, files])

    @property
    def key(self) -> str:
        """Says what the queries and judgments of the split are."""
        judged = [self._judged.steps, self._judged.drop_unknown]
        return digest_of([self._asked, judged, self._split, self._held_out])

    @property
    def parts(self) -> frozenset[tuple[str, str]]:
        """The buckets of queries: two shares that are held out overlap in some."""
        return frozenset((self.corpus_key, f"{self._asked}:{one}") for one in self._buckets)

    @property
    def splits(self) -> tuple[str, ...]:
        """Both, if a share is held out; else all queries are ``test``."""
        return ("test",) if self._held_out == BUCKETS else ("train", "test")

    def split(self, name: str) -> Table:
        """Return the same docs with the queries and judgments of ``train`` or ``test``."""
        if name not in self.splits:
            raise _mistake(f"no split {name!r} (it has: {', '.join(self.splits)})")
        other = copy.copy(self)
        other._split = name
        if self._name and name != self._split:
            other._name = f"{self._name}/{name}"
        return other

    def docs_count(self) -> None:
        """Return None: counting takes a pass."""

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the docs in the order of their file."""
        return self._docs.docs()

    def queries(self) -> Iterator[effbench.Query]:
        """Yield the queries of the split, those without a relevant doc too."""
        for query_id, text in self._judged.texts().items():
            if bucket(text) in self._buckets:
                yield effbench.Query(query_id, text)

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield the judgments of the split."""
        texts = self._judged.texts()
        judged, none_yet = set(), True
        for qrel in self._judged.qrels(texts):
            judged.add(qrel.query_id)
            if bucket(texts[qrel.query_id]) in self._buckets:
                none_yet = False
                yield qrel
        if none_yet:
            raise effbench.EffbenchError(self._emptied(len(judged)))

    def _emptied(self, judged: int) -> str:
        """Return that the share left no query for the split, and what mends it."""
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
    def _files(self) -> list[DocsFile | Judged | QueriesFile]:
        asked = [] if self._judged.queries is None else [self._judged.queries]
        return [self._docs, self._judged, *asked]


def _judged(
    judgments: Path | None, clicks: Path | None, count: str | None, least: int | list[int]
) -> tuple[Path, list[int] | None]:
    """Return the file that says what is relevant, and the steps of clicks, if of clicks."""
    if clicks is None and judgments is not None:
        if count is not None or least != 1:
            raise _mistake("count and least are of clicks (leave them out, or give clicks)")
        return judgments, None
    if clicks is None or judgments is not None:
        raise _mistake("what is relevant? (give either judgments or clicks)")
    return clicks, _steps(least)


def _facts(one: DocsFile | Judged | QueriesFile) -> list[Any]:
    """Return what decides the cells that are read of a file."""
    file = one.file
    between = file.delimiter if file.kind == "csv" else ""
    return [text_digest(file.path), file.kind, between, one.columns]


def _columns(text: str | list[str]) -> tuple[str, ...]:
    columns = (text,) if isinstance(text, str) else tuple(text)
    if not columns:
        raise _mistake("text names no column (name one, or several in a list)")
    return columns


def _steps(least: int | list[int]) -> list[int]:
    steps = [least] if isinstance(least, int) else least
    if not steps or steps[0] < 1 or steps != sorted(set(steps)):
        raise _mistake(f"least: {least} (give 1 or more, or a list that rises, such as [1, 5])")
    return steps


def _checked_share(held_out: float | None) -> int:
    """Return how many of the `BUCKETS` are held out: without a share all are ``test``."""
    if held_out is None:
        return BUCKETS
    buckets = round(held_out * BUCKETS) if 0 < held_out < 1 else 0
    if not 0 < buckets < BUCKETS or abs(buckets - held_out * BUCKETS) > 1e-6:
        raise _mistake(f"held_out: {held_out} is no share (give 0.01 to 0.99, in hundredths)")
    return buckets


def _checked_delimiter(delimiter: str) -> str:
    if len(delimiter) != 1 or delimiter in '"\r\n ':
        raise _mistake(
            f'delimiter: {delimiter!r} is not one character (give , or ; or | or "\\t")'
        )
    return delimiter


def _mistake(what: str) -> effbench.EffbenchError:
    return effbench.EffbenchError(f"table: {what}")
