"""The dataset ``msmarco``: MS MARCO passage ranking from its files, plain or gzipped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import cycle
from pathlib import Path
from typing import NamedTuple, TypeAlias

import effbench
from effbench.files import (
    checked_id,
    checked_relevance,
    count_lines,
    opened,
    read_lines,
    shown,
    text_digest,
)

Layout: TypeAlias = tuple[str, ...]  # the names of the columns of a line
COLLECTION = ("doc_id", "text")
QUERIES = ("query_id", "text")
QRELS = ("query_id", "0", "doc_id", "relevance")
CANDIDATES = ("query_id", "doc_id", "query", "passage")
TRIPLE = ("query_id", "doc_id+", "doc_id-")
NEGATIVES = ("query_id", "doc_id,doc_id,...")
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip")


class Msmarco:
    """MS MARCO passage ranking from its files: collection, queries, judgments, training pairs.

    ``collection`` has lines ``doc_id TAB text``, and ``queries`` has lines ``query_id TAB
    text``. Tabs or spaces separate the four columns of ``qrels``.

    ``candidates``, a file like top1000.dev (``query_id TAB doc_id TAB query TAB passage``),
    can replace ``collection`` and ``queries``. The corpus is then the distinct passages of
    the file, and each query searches all of them, not only its candidates.

    ``triples`` has lines ``query_id TAB doc_id+ TAB doc_id-``, or lines ``query_id TAB
    doc_id,doc_id,...`` with negatives, which are paired with the query's relevant docs in
    turn.

    Raises:
        EffbenchError: a file is missing; or, with ``path:line``, a line is malformed.

    """

    drop_self_hits = False  # query ids and doc ids are numbers that are equal by accident

    def __init__(
        self,
        *,
        qrels: Path,
        collection: Path | None = None,
        queries: Path | None = None,
        candidates: Path | None = None,
        triples: Path | None = None,
        name: str | None = None,
    ) -> None:
        _check_files(
            qrels=qrels,
            collection=collection,
            queries=queries,
            candidates=candidates,
            triples=triples,
        )
        kind = "msmarco" if candidates is None else "msmarco-candidates"
        if collection and queries and not candidates:
            self._docs = _Texts(collection, COLLECTION, 0, 1)
            self._queries = _Texts(queries, QUERIES, 0, 1)
        elif candidates and not collection and not queries:
            self._docs = _Texts(candidates, CANDIDATES, 1, 3)
            self._queries = _Texts(candidates, CANDIDATES, 0, 2)
        else:
            raise effbench.EffbenchError(
                "msmarco: which docs and queries? (give collection and queries, or candidates)"
            )
        self._kind = kind
        self._qrels = qrels
        self._triples = triples
        split = Path(qrels.name.removesuffix(".gz")).stem.removeprefix("qrels.")
        self.dataset_id = name or f"{kind}/{split}"

    @cached_property
    def corpus_key(self) -> str:
        """The digest of the file with the docs, and whether they are only candidates."""
        return f"{self._kind}:{text_digest(self._docs.path)}"

    @cached_property
    def key(self) -> str:
        """The digests of the files with queries, judgments and training pairs."""
        paths = [self._queries.path, self._qrels]
        if self._triples:
            paths.append(self._triples)
        return ":".join([self._kind, *map(text_digest, paths)])

    def docs_count(self) -> None:
        """Return None: counting the docs takes a pass over the file."""

    def count_docs(self) -> int | None:
        """Return the number of lines; None for candidates, whose docs occur several times."""
        if self._docs.layout is CANDIDATES:
            return None
        with opened(self._docs.path) as stream:
            return count_lines(stream)

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the docs, without titles, in the order of their file."""
        for doc_id, text in self._docs.read():
            yield effbench.Doc(doc_id, text)

    def queries(self) -> Iterator[effbench.Query]:
        """Yield the queries that are judged, in the order of their file."""
        judged = {qrel.query_id for qrel in self.qrels()}
        for query_id, text in self._queries.read():
            if query_id in judged:
                yield effbench.Query(query_id, text)

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield the judgments, also for queries and docs that the other files lack."""
        for where, (query_id, _, doc_id, relevance) in _rows(self._qrels, QRELS, between=None):
            yield effbench.Qrel(
                checked_id(query_id, f"{where}: query_id"),
                checked_id(doc_id, f"{where}: doc_id"),
                checked_relevance(relevance, f"{where}: relevance"),
            )

    def docpairs(self) -> Iterator[effbench.DocPair]:
        """Yield the pairs of ``triples``.

        The negatives of a query without a relevant doc make no pair.

        Raises:
            EffbenchError: ``triples`` is not given; or, with ``path:line``, a line is wrong.

        """
        if self._triples is None:
            raise effbench.EffbenchError(
                f"{self.dataset_id}: no docpairs (give triples, such as "
                "qidpidtriples.train.full.2.tsv or train.negatives.tsv)"
            )
        return self._pairs(self._triples)

    def _pairs(self, triples: Path) -> Iterator[effbench.DocPair]:
        for where, (query_id, *doc_ids) in _rows(triples, TRIPLE, NEGATIVES):
            checked_id(query_id, f"{where}: query_id")
            if len(doc_ids) == 2:
                good, bad = doc_ids[:1], doc_ids[1:]
            else:
                good, bad = self._relevant.get(query_id, []), doc_ids[0].split(",")
            for pair in zip(cycle(good), bad, strict=False):
                better, worse = (checked_id(doc_id, f"{where}: doc_id") for doc_id in pair)
                yield effbench.DocPair(query_id, better, worse)

    @cached_property
    def _relevant(self) -> Mapping[str, list[str]]:
        """The relevant docs of each query."""
        relevant: dict[str, list[str]] = defaultdict(list)
        for qrel in self.qrels():
            if qrel.relevance > 0:
                relevant[qrel.query_id].append(qrel.doc_id)
        return relevant


class _Texts(NamedTuple):
    """A file with ids in the column ``id_at`` and their texts in the column ``text_at``."""

    path: Path
    layout: Layout
    id_at: int
    text_at: int

    def read(self) -> Iterator[tuple[str, str]]:
        """Yield ids and texts, each id of candidates once (they occur several times).

        Raises:
            EffbenchError: with ``path:line``, for a malformed line or an id with two texts.

        """
        seen: dict[str, int] = {}  # the hash of a text is enough to notice a different text
        for where, row in _rows(self.path, self.layout):
            name, text = row[self.id_at], row[self.text_at]
            checked_id(name, f"{where}: {self.layout[self.id_at]}")
            if name in seen:
                if seen[name] != hash(text):
                    raise effbench.EffbenchError(
                        f"{where}: {shown(name)} has another text on an earlier line (keep one)"
                    )
                continue
            if self.layout is CANDIDATES:
                seen[name] = hash(text)
            yield name, text


def _check_files(**given: Path | None) -> None:
    for option, path in given.items():
        if path is not None and not path.is_file():
            raise effbench.EffbenchError(
                f"{path}: no such file ({option} names it: is it right?)"
            )
        if path is not None and path.name.endswith(ARCHIVES):
            raise effbench.EffbenchError(f"{path}: an archive (unpack it, name a file of it)")


def _rows(
    path: Path, *layouts: Layout, between: str | None = "\t"
) -> Iterator[tuple[str, list[str]]]:
    """Yield ``path:line`` and the columns; quotation marks have no special meaning.

    ``between`` is the separator of columns; None means any white space.

    Raises:
        EffbenchError: with ``path:line``, for a wrong number of columns; or the file is empty.

    """
    widths = {len(layout) for layout in layouts}
    write = " or ".join((" TAB " if between else " ").join(layout) for layout in layouts)
    empty = True
    for where, line in read_lines(path):
        empty = False
        row = line.split(between)
        if len(row) not in widths:
            raise effbench.EffbenchError(f"{where}: {len(row)} columns (write {write})")
        yield where, row
    if empty:
        raise effbench.EffbenchError(f"{path}: an empty file (write {write})")


@effbench.hookimpl
def effbench_datasets() -> dict[str, type[Msmarco]]:
    """Offer ``msmarco``."""
    return {"msmarco": Msmarco}
