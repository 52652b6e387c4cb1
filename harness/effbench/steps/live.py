"""Live rows: the objects that factories get for options that name encoders and searchers.

An error inside such an object names the row that it stands for. In the quality pass, its
answers are checked as those of a cell are. A latency worker (a bench that is ``trusting``)
checks only what it must to go on: its answers are compared with those of the quality pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from effbench.api.encoders import Doc, ScoredDoc
from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed_call, blamed_for_all
from effbench.steps.answers import hosting, index_answer, retriever_answer
from effbench.steps.asked import hits_wanted, listed, some
from effbench.steps.built import nbytes_of
from effbench.steps.encode import EncodeCorpus
from effbench.steps.encoded import encode_corpus, encode_queries
from effbench.steps.hashed import KnownIds
from effbench.steps.hits import (
    check_answer,
    check_hits,
    check_lists,
    positions_to_hits,
    refuse_strangers,
    retrieved,
)
from effbench.steps.ids import ids_by_row, rows_by_id
from effbench.steps.index import BuildIndex, BuildRetriever
from effbench.steps.shards import DiskVectors
from effbench.store.trec import Hits, ordered
from effbench.text.names import index_label
from effbench.vectors.kinds import KINDS
from effbench.work.rows import Row
from effbench.work.step import Bench

if TYPE_CHECKING:
    from effbench.vectors.kinds import AnyVectors


class LiveEncoder:
    """An encoder row: an `effbench.Encoder`. The row's passages are opened when first used."""

    def __init__(self, row: Row, bench: Bench) -> None:
        self._row, self._bench = row.passages or row, bench
        self.encode_queries = bench.parts.named(f"{row.name}: encode", encoding(row, bench))
        self._encode = blamed_call(self._encode_corpus, self._row.who)
        self._call = f"encode_corpus of {row.name!r}"

    def encode_corpus(self, docs: Iterable[Doc]) -> AnyVectors:
        """Return the vectors of docs."""
        return self._encode(some(docs, Doc, self._call))

    def _encode_corpus(self, docs: Sequence[Doc]) -> AnyVectors:
        encoder = self._bench.instance(self._row)
        return encode_corpus(encoder, self._row, "name a row with passages")(docs)


class StoredCorpus:
    """An encoder row with the vectors of a corpus: an `effbench.EncodedCorpus`."""

    def __init__(self, row: Row, corpus: EncodeCorpus, bench: Bench) -> None:
        folder = bench.artifact(corpus).folder
        self._vectors, self._name = DiskVectors(folder), corpus.dataset.name
        self._call = f"vectors of {row.name!r}"
        self._rows = rows_by_id(folder)
        encode = encoding(row, bench, corpus)
        self.encode_queries = bench.parts.named(f"{row.name}: encode", encode)
        self.vectors = bench.parts.named(f"{row.name}: vectors", self._read)

    def _read(self, doc_ids: Iterable[str]) -> AnyVectors:
        asked = listed(doc_ids, str, self._call)
        try:
            rows = self._rows(asked)
        except KeyError as error:
            raise KeyError(f"{error.args[0]!r:.60} is no doc of {self._name}") from None
        return self._vectors.at(rows)


class IndexSearcher:
    """An encoder row through an index: an `effbench.Searcher`."""

    def __init__(
        self, row: Row, index: BuildIndex, options: Mapping[str, Any], bench: Bench
    ) -> None:
        self._index_row, self._options = index.row, options
        self._checked = not bench.trusting
        folder = bench.artifact(index.corpus).folder
        self._docs, self._doc_ids = len(DiskVectors(folder)), ids_by_row(folder)
        self._index = bench.opened(index)
        name = f"{row.name} {index_label(index.row.name, options)}"
        encode = encoding(row, bench, index.corpus)
        self._encode = bench.parts.named(f"{name}: encode", encode)
        self._find = bench.parts.named(f"{name}: search", self._found)
        self._answer = blamed_call(self._hits, index.row.who)
        self._call = f"search of {name!r}"
        self.search = bench.parts.named(name, self._search)

    @property
    def nbytes(self) -> int:
        """Memory that the index takes, in bytes."""
        with blamed_for_all(self._index_row.who):
            return nbytes_of(self._index, self._index_row) or 0

    def _search(self, queries: Iterable[str], k: int) -> list[list[ScoredDoc]]:
        texts, most = listed(queries, str, self._call), hits_wanted(k, self._call)
        return self._answer((texts, self._encode(texts), most)) if texts else []

    def _hits(self, asked: tuple[Sequence[str], AnyVectors, int]) -> list[list[ScoredDoc]]:
        queries, vectors, k = asked
        scores, positions = self._find(vectors, k)
        if self._checked:
            shape = (len(queries), self._docs)
            check_answer(scores, positions, shape, self._index_row)
        lists = positions_to_hits(scores, positions, self._doc_ids)
        return _in_order(queries, lists, k, self._index_row, checked=self._checked)

    def _found(self, vectors: AnyVectors, k: int) -> tuple[Any, Any]:
        return index_answer(self._index.search(vectors, k, **self._options), self._index_row)


class RetrieverSearcher:
    """A retriever row: an `effbench.Searcher`."""

    def __init__(self, step: BuildRetriever, bench: Bench) -> None:
        self._row, self._checked = step.row, not bench.trusting
        self._retriever = bench.opened(step)
        self._known = KnownIds(step.doc_ids(bench)) if self._checked else None
        self._name, self._call = step.dataset.name, f"search of {step.row.name!r}"
        self._answer = blamed_call(self._hits, step.row.who)
        self.search = bench.parts.named(step.row.name, self._search)

    @property
    def nbytes(self) -> int:
        """Memory that the retriever takes, in bytes."""
        with blamed_for_all(self._row.who):
            return nbytes_of(self._retriever, self._row) or 0

    def _search(self, queries: Iterable[str], k: int) -> list[list[ScoredDoc]]:
        asked = listed(queries, str, self._call), hits_wanted(k, self._call)
        return self._answer(asked) if asked[0] else []

    def _hits(self, asked: tuple[Sequence[str], int]) -> list[list[ScoredDoc]]:
        queries, k = asked
        answer = retriever_answer(self._retriever.search(list(queries), k), self._row)
        check_lists(answer, len(queries), self._row)
        lists = [retrieved(*each, self._row) for each in zip(answer, queries, strict=True)]
        if self._known is not None:
            returned = [hit.doc_id for hits in lists for hit in hits]
            refuse_strangers(returned, self._known, self._name, self._row)
        return _in_order(queries, lists, k, self._row, checked=self._checked)


def encoding(
    row: Row, bench: Bench, corpus: EncodeCorpus | None = None
) -> Callable[[Sequence[str]], AnyVectors]:
    """Return a row's ``encode_queries``; it returns new vectors of the row's kind.

    An argument that is no list of texts is not blamed on the row. With ``corpus``, the vectors
    must have the width of the vectors of that corpus.
    """
    encoder = bench.instance(row)
    encode: Callable[[Sequence[str]], Any]
    if bench.trusting:
        host, copied = hosting(row), KINDS[row.offer.makes].copied

        def answer(queries: Sequence[str]) -> Any:
            vectors = encoder.encode_queries(queries)
            return copied(host(vectors, (len(queries), None), "encode_queries"))

        encode = answer
    else:
        encode = encode_queries(encoder, row, "queries")
    if corpus is None:
        return _asking(blamed_call(encode, row.who), row)
    width = (bench.artifact(corpus).manifest() or {})["width"]

    def encode_for(queries: Sequence[str]) -> AnyVectors:
        vectors = encode(queries)
        if vectors.shape[1] != width:
            raise EffbenchError(
                f"{row.who}: its query vectors have width {vectors.shape[1]}, the passages of "
                f"{corpus.row.name!r} {width} (they must share one space)"
            )
        return vectors

    return _asking(blamed_call(encode_for, row.who), row)


def _asking(
    encode: Callable[[Sequence[str]], AnyVectors], row: Row
) -> Callable[[Iterable[str]], AnyVectors]:
    """Return the method of a live row with its argument checked."""
    call = f"encode_queries of {row.name!r}"
    return lambda queries: encode(some(queries, str, call))


def _in_order(
    queries: Sequence[str], lists: Any, k: int, row: Row, *, checked: bool
) -> list[list[ScoredDoc]]:
    """Return the hits of each query by (score, doc_id), both descending."""
    answers = [ordered(hits, k) for hits in lists]
    if checked:
        for query, hits in zip(queries, answers, strict=True):
            check_hits(Hits.of(query, hits), row)
    return answers
