"""The encode steps: turn a corpus, a dataset's queries or training texts into vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed_for_all
from effbench.steps.data import Data, docs_of, passing_docs, queries_of
from effbench.steps.description import description_of
from effbench.steps.texts import Texts, read_texts
from effbench.steps.writing import SHARD, write_shards
from effbench.store import space
from effbench.work import code
from effbench.work.datasets import DatasetRow
from effbench.work.effort import Work, vectors_bytes
from effbench.work.rows import Row
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
        return (*self.row.offers, self.dataset.offer)

    def work(self, known: Known) -> Work:
        docs, width = known.count(self, "rows"), known.width(self.row)
        docs = known.docs(self.dataset) if docs is None else docs
        like = ["encode docs", self.row.pace(known.device)]
        return Work("docs", docs, like, least=vectors_bytes(docs, width, SHARD), shard=SHARD)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        encode = encode_corpus(bench.instance(self.row), self.row, "give passages: ROW")
        docs = ((doc.doc_id, doc) for doc in docs_of(self.dataset))
        encode = _checking_space(encode, self.dataset.docs_count(), artifact)
        with passing_docs(self.label, [self.dataset], bench) as advance:
            shards = write_shards(artifact, docs, encode, advance, code.of(self.row.offers))
        if not shards.rows:
            raise EffbenchError(
                f"{self.dataset.who}: the corpus has no docs (is its file empty?)"
            )
        return shards._asdict()

    def make_piece(self, artifact: Artifact, bench: Bench, shards: range) -> None:
        """Write some shards; `make` then keeps them, and writes the rest."""
        encode = encode_corpus(bench.instance(self.row), self.row, "give passages: ROW")
        docs = ((doc.doc_id, doc) for doc in docs_of(self.dataset))
        label, most = f"{self.label}, shards {shards[0]} to {shards[-1]}", len(shards) * SHARD
        with bench.progress.work(label, most, "docs") as advance:
            write_shards(artifact, docs, encode, advance, code.of(self.row.offers), shards)


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
        return self.row.offers

    def work(self, known: Known) -> Work:
        return _work(self.row, "queries", known.count(self.data, "queries"), known)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        queries, encoder = queries_of(self.data, bench), bench.instance(self.row)
        encode = encode_queries(encoder, self.row, "queries")
        pairs = ((query.query_id, query.text) for query in queries)
        with bench.progress.work(self.label, len(queries), "queries") as advance:
            shards = write_shards(artifact, pairs, encode, advance, code.of(self.offers))
        return {
            **shards._asdict(),
            "query_parameters": _query_parameters(encoder, self.row, bench),
        }


@dataclass(frozen=True)
class EncodeTexts:
    """Encode gathered texts as queries: a student learns to give the same vectors."""

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
        return self.row.offers

    def work(self, known: Known) -> Work:
        return _work(self.row, "texts", known.count(self.texts, "texts"), known)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        texts = read_texts(self.texts, bench)
        encode = encode_queries(bench.instance(self.row), self.row, "texts")
        pairs = ((str(number), text) for number, text in enumerate(texts))
        with bench.progress.work(self.label, len(texts), "texts") as advance:
            shards = write_shards(artifact, pairs, encode, advance, code.of(self.offers))
        return shards._asdict()


def _query_parameters(encoder: Any, row: Row, bench: Bench) -> int | None:
    """Return how many parameters the encoder says it has; tell the user if it says nonsense."""
    try:
        return description_of(encoder, row).query_parameters
    except EffbenchError as error:
        bench.progress.note(f"{error} (left out; the scores do not need it)")
        return None


def _work(row: Row, unit: str, count: int | None, known: Known) -> Work:
    """Return the work of encoding queries, or texts as if they were queries."""
    width = known.width(row.passages or row)
    like = ["encode queries", row.pace(known.device)]
    return Work(unit, count, like, least=vectors_bytes(count, width, SHARD), shard=SHARD)


def encode_corpus(encoder: Any, row: Row, advice: str) -> Callable[[Sequence[Any]], Vectors]:
    """Return an encoder's ``encode_corpus``, wrapped so that its vectors are checked.

    Raises:
        EffbenchError: the encoder has no such method; ``advice`` is the end of the message.

    """
    with blamed_for_all(row.who):
        encode = getattr(encoder, "encode_corpus", None)
    if encode is None:
        raise EffbenchError(
            f"{row.who} has no encode_corpus: it encodes queries only ({advice})"
        )
    return _checking_vectors(encode, row, "docs")


def encode_queries(encoder: Any, row: Row, noun: str) -> Callable[[Sequence[Any]], Vectors]:
    """Return an encoder's ``encode_queries``, wrapped; messages call its items ``noun``."""
    with blamed_for_all(row.who):
        encode = encoder.encode_queries
    return _checking_vectors(encode, row, noun)


def _checking_space(
    encode: Callable[[Sequence[Any]], Vectors], docs: int | None, artifact: Artifact
) -> Callable[[Sequence[Any]], Vectors]:
    """Wrap an encoder's method: its first call checks that all vectors will fit on the disk.

    Nobody knows their width before. The wrapper raises `EffbenchError` if they do not fit.
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


def _checking_vectors(
    encode: Callable[[Sequence[Any]], Any], row: Row, noun: str
) -> Callable[[Sequence[Any]], Vectors]:
    """Wrap an encoder's method: the wrapper returns finite, contiguous float32 [n, d].

    It returns a copy, since an encoder may write its next batch into the same array. The
    encoder gets a new list, which it may change. The wrapper raises `EffbenchError`, which
    names the row and its plugin, if the vectors are wrong, or if their width has changed.
    """
    import numpy as np

    who = f"{row.who}: encode_{'corpus' if noun == 'docs' else 'queries'} returned"
    widths: set[int] = set()

    def call(items: Sequence[Any]) -> Vectors:
        with blamed_for_all(row.who):
            answer = encode(list(items))
            array, masked = np.asarray(answer), np.ma.is_masked(answer)
        if masked:  # a masked value would be taken for a number
            raise EffbenchError(f"{who} a masked array (float vectors [n, d] are wanted)")
        _check_shape(array, f"{len(items)} {noun}", len(items), who)
        with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite
            vectors = np.array(array, dtype=np.float32, order="C")
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


def _check_shape(array: NDArray[Any], items: str, count: int, who: str) -> None:
    """Refuse an array that is not floats [n, d] with a row for each of ``count`` items."""
    if array.ndim != 2 or array.dtype.kind != "f" or array.shape[1] == 0:
        raise EffbenchError(
            f"{who} {array.dtype} {list(array.shape)} (float vectors [n, d] are wanted)"
        )
    if len(array) != count:
        raise EffbenchError(f"{who} {len(array)} rows for {items} (one row each, in order)")


def _shown(item: Any) -> str:
    text = repr(getattr(item, "doc_id", item))
    return text if len(text) <= 60 else text[:57] + "..."
