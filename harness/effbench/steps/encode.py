"""The encode steps: a corpus, or a dataset's queries, into vectors on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed
from effbench.steps.built import number_of
from effbench.steps.data import Data, docs_of, passing_docs, queries_of
from effbench.steps.shards import SHARD, write_shards
from effbench.steps.texts import Texts, read_texts
from effbench.store import space
from effbench.work import code
from effbench.work.datasets import DatasetRow
from effbench.work.effort import Work, vectors_bytes
from effbench.work.rows import Row
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.api.encoders import Vectors
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact


@dataclass(frozen=True)
class EncodeCorpus:
    """Encode all docs of a corpus, shard by shard."""

    row: Row
    dataset: DatasetRow
    kind = "encode"

    @property
    def label(self) -> str:
        return f"encode {self.row.name} corpus of {self.dataset.name}"

    @property
    def facts(self) -> Mapping[str, Any]:
        corpus = self.dataset.corpus_key
        return {"row": self.row.corpus_facts, "corpus": corpus, "shard": SHARD}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return self.row.steps

    @property
    def offers(self) -> tuple[Offer, ...]:
        return (self.row.offer, self.dataset.offer)

    def work(self, known: Known) -> Work:
        docs, width = known.said(self, "rows"), known.width(self.row)
        docs = known.docs(self.dataset) if docs is None else docs
        like = ["encode docs", self.row.pace(known.device)]
        return Work("docs", docs, like, least=vectors_bytes(docs, width, SHARD), shard=SHARD)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        encode = encode_corpus(bench.instance(self.row), self.row, "give passages: ROW")
        docs = ((doc.doc_id, doc) for doc in docs_of(self.dataset))
        encode = _fitting(encode, self.dataset.docs_count(), artifact)
        with passing_docs(self.label, [self.dataset], bench) as advance:
            shards = write_shards(artifact, docs, encode, advance, code.of([self.row.offer]))
        if not shards.rows:
            raise EffbenchError(
                f"{self.dataset.name}: the corpus has no docs (is its file empty?)"
            )
        return shards._asdict()


@dataclass(frozen=True)
class EncodeQueries:
    """Encode a dataset's judged queries."""

    row: Row
    data: Data
    kind = "queries"

    @property
    def label(self) -> str:
        return f"encode {self.row.name} queries of {self.data.row.name}"

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"row": self.row.query_facts, "shard": SHARD}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.data, *self.row.steps)

    @property
    def offers(self) -> tuple[Offer, ...]:
        return (self.row.offer,)

    def work(self, known: Known) -> Work:
        return _work(self.row, "queries", known.said(self.data, "queries"), known)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        queries, encoder = queries_of(self.data, bench), bench.instance(self.row)
        encode = encode_queries(encoder, self.row, "queries")
        pairs = ((query.query_id, query.text) for query in queries)
        with bench.progress.work(self.label, len(queries), "queries") as advance:
            shards = write_shards(artifact, pairs, encode, advance, code.of(self.offers))
        with blamed(self.row.who):
            said = getattr(encoder, "query_parameters", None)
            parameters = (
                None
                if said is None
                else number_of(said, "query_parameters", "parameters", self.row)
            )
        return {**shards._asdict(), "query_parameters": parameters}


@dataclass(frozen=True)
class EncodeTexts:
    """Encode gathered texts as queries: what a student is aligned to."""

    row: Row
    texts: Texts
    kind = "queries"

    @property
    def label(self) -> str:
        return f"encode {self.row.name} training texts"

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"row": self.row.query_facts, "shard": SHARD}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.texts, *self.row.steps)

    @property
    def offers(self) -> tuple[Offer, ...]:
        return (self.row.offer,)

    def work(self, known: Known) -> Work:
        return _work(self.row, "texts", known.said(self.texts, "texts"), known)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        texts = read_texts(self.texts, bench)
        encode = encode_queries(bench.instance(self.row), self.row, "texts")
        pairs = ((str(number), text) for number, text in enumerate(texts))
        with bench.progress.work(self.label, len(texts), "texts") as advance:
            made = code.of(self.offers)
            return write_shards(artifact, pairs, encode, advance, made)._asdict()


def _work(row: Row, unit: str, count: int | None, known: Known) -> Work:
    """Return what it takes to encode queries, or texts as queries."""
    width = known.width(row.passages or row)
    like = ["encode queries", row.pace(known.device)]
    return Work(unit, count, like, least=vectors_bytes(count, width, SHARD), shard=SHARD)


def encode_corpus(encoder: Any, row: Row, advice: str) -> Callable[[Sequence[Any]], Vectors]:
    """Return an encoder's method for docs, checked; ``advice`` is for one that has none.

    Raises:
        EffbenchError: it has none.

    """
    with blamed(row.who):
        encode = getattr(encoder, "encode_corpus", None)
    if encode is None:
        raise EffbenchError(
            f"{row.who} has no encode_corpus: it encodes queries only ({advice})"
        )
    return _checked(encode, row, "docs")


def encode_queries(encoder: Any, row: Row, noun: str) -> Callable[[Sequence[Any]], Vectors]:
    """Return an encoder's method for queries (``noun``: what messages call them), checked."""
    with blamed(row.who):
        encode = encoder.encode_queries
    return _checked(encode, row, noun)


def _fitting(
    encode: Callable[[Sequence[Any]], Vectors], docs: int | None, artifact: Artifact
) -> Callable[[Sequence[Any]], Vectors]:
    """Wrap an encoder's method: where all its vectors will not fit, it ends with the first.

    How wide they are is known by then. The wrapper raises `EffbenchError`.
    """
    widths: list[int] = []

    def call(items: Sequence[Any]) -> Vectors:
        vectors = encode(items)
        if not widths:
            widths.append(vectors.shape[1])
            least = vectors_bytes(docs, widths[0], SHARD) - artifact.size_of_parts()
            space.check([space.Need(artifact.folder, least, space.STORE)])
        return vectors

    return call


def _checked(
    encode: Callable[[Sequence[Any]], Any], row: Row, noun: str
) -> Callable[[Sequence[Any]], Vectors]:
    """Wrap an encoder's method: what it returns is float32 [n, d], finite, contiguous.

    It is a copy, since an encoder may write its next batch into the same array, and the encoder
    gets a list of its own, which it may change. The wrapper raises `EffbenchError` naming the
    row and its plugin when vectors are not as they should be, or not as wide as the last ones.
    """
    import numpy as np

    method = "encode_corpus" if noun == "docs" else "encode_queries"
    who = f"{row.who}: {method} returned"
    widths: set[int] = set()

    def call(items: Sequence[Any]) -> Vectors:
        with blamed(row.who):
            given = encode(list(items))
            found, masked = np.asarray(given), np.ma.is_masked(given)
        if masked:  # what stands beneath a mask would be taken for a number
            raise EffbenchError(f"{who} a masked array (float vectors [n, d] are wanted)")
        if found.ndim != 2 or found.dtype.kind != "f" or found.shape[1] == 0:
            raise EffbenchError(
                f"{who} {found.dtype} {list(found.shape)} (float vectors [n, d] are wanted)"
            )
        if len(found) != len(items):
            raise EffbenchError(
                f"{who} {len(found)} rows for {len(items)} {noun} (one row each, in order)"
            )
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
            vectors = np.array(found, dtype=np.float32, order="C")
        if not np.isfinite(vectors).all():
            bad = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
            raise EffbenchError(
                f"{who} NaN or infinity for {_shown(items[bad])} (finite numbers are wanted)"
            )
        widths.add(vectors.shape[1])
        if len(widths) > 1:
            both = " and ".join(map(str, sorted(widths)))
            raise EffbenchError(f"{who} vectors of width {both} (one width for all)")
        return vectors

    return call


def _shown(item: Any) -> str:
    text = repr(getattr(item, "doc_id", item))
    return text if len(text) <= 60 else text[:57] + "..."
