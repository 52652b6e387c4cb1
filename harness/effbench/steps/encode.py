"""The encode steps: turn a corpus or a dataset's queries into vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from effbench.api.errors import EffbenchError
from effbench.api.searching import DENSE
from effbench.steps.data import Data, docs_of, passing_docs, queries_of
from effbench.steps.description import description_of
from effbench.steps.encoded import as_float16, checking_space, encode_corpus, encode_queries
from effbench.steps.writing import shard_of, write_shards
from effbench.work import code
from effbench.work.datasets import DatasetRow
from effbench.work.effort import FLOAT, HALF, Work, vectors_bytes
from effbench.work.rows import FLOAT16, Row
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.steps.writing import Shards
    from effbench.store.artifacts import Artifact
    from effbench.vectors.kinds import AnyVectors
    from effbench.work.progress import Tally


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
        row, kept = self.row.corpus_facts, self.row.kept_facts
        return {"row": row, "corpus": corpus, "shard": self._shard, **kept}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return self.row.steps

    @property
    def offers(self) -> tuple[Offer, ...]:
        return (*self.row.offers, self.dataset.offer)

    def work(self, known: Known) -> Work:
        docs, width = known.count(self, "rows"), _width(self.row, known)
        docs = known.docs(self.dataset) if docs is None else docs
        like = ["encode docs", self.row.pace(known.device)]
        least = vectors_bytes(docs, width, self._shard, bytes_of_number(self.row))
        return Work("docs", docs, like, least=least, shard=self._shard)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        docs = ((doc.doc_id, doc) for doc in docs_of(self.dataset))
        count = self.dataset.docs_count()
        encode = checking_space(self._encode(bench), self.row, count, artifact)
        with passing_docs(self.label, [self.dataset], bench) as advance:
            shards = write_vectors(
                self.row, artifact, docs, encode, advance, by_id=self.row.by_id
            )
        if not shards.rows:
            raise EffbenchError(
                f"{self.dataset.who}: the corpus has no docs (is its file empty?)"
            )
        return shards._asdict()

    def make_piece(self, artifact: Artifact, bench: Bench, shards: range) -> None:
        """Write some shards; `make` then keeps them, and writes the rest."""
        encode = self._encode(bench)
        docs = ((doc.doc_id, doc) for doc in docs_of(self.dataset))
        label = f"{self.label}, shards {shards[0] + 1} to {shards[-1] + 1}"
        with bench.progress.work(label, len(shards) * self._shard, "docs") as advance:
            write_vectors(
                self.row, artifact, docs, encode, advance, shards, by_id=self.row.by_id
            )

    @property
    def _shard(self) -> int:
        return shard_of(self.row.offer.makes)

    def _encode(self, bench: Bench) -> Callable[[Sequence[Any]], AnyVectors]:
        """Return the encoder's method; its vectors have the type that is kept."""
        encode = encode_corpus(bench.instance(self.row), self.row, "give passages: ROW")
        return as_kept(encode, self.row)


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
        return query_facts(self.row)

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.data, *self.row.steps)

    @property
    def offers(self) -> tuple[Offer, ...]:
        return self.row.offers

    def work(self, known: Known) -> Work:
        return query_work(self.row, "queries", known.count(self.data, "queries"), known)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        queries, encoder = queries_of(self.data, bench), bench.instance(self.row)
        encode = encode_queries(encoder, self.row, "queries")
        pairs = ((query.query_id, query.text) for query in queries)
        with bench.progress.work(self.label, len(queries), "queries") as advance:
            shards = write_vectors(self.row, artifact, pairs, encode, advance)
        return {
            **shards._asdict(),
            "query_parameters": _query_parameters(encoder, self.row, bench),
        }


def as_kept(
    encode: Callable[[Sequence[Any]], AnyVectors], row: Row
) -> Callable[[Sequence[Any]], AnyVectors]:
    """Return an encoder's method, whose vectors get the type that ``row`` keeps."""
    return as_float16(encode, row) if row.store == FLOAT16 else encode


def query_facts(row: Row) -> Mapping[str, Any]:
    """Return what decides a row's shards of query vectors."""
    return {"row": row.query_facts, "shard": shard_of(row.offer.makes)}


def write_vectors(
    row: Row,
    artifact: Artifact,
    items: Iterator[tuple[str, Any]],
    encode: Callable[[Sequence[Any]], AnyVectors],
    advance: Tally,
    only: range | None = None,
    *,
    by_id: bool = False,
) -> Shards:
    """Write the vectors of a row; see `write_shards`."""
    made_by, makes = code.of(row.offers), row.offer.makes
    return write_shards(
        artifact, items, encode, advance, made_by, only, makes=makes, by_id=by_id
    )


def _query_parameters(encoder: Any, row: Row, bench: Bench) -> int | None:
    """Return how many parameters the encoder says it has; tell the user if it says nonsense."""
    try:
        return description_of(encoder, row).query_parameters
    except EffbenchError as error:
        bench.progress.note(f"{error} (left out; the scores do not need it)")
        return None


def query_work(
    row: Row, unit: str, count: int | None, known: Known, number: int = FLOAT
) -> Work:
    """Return the work of encoding queries, or texts as if they were queries."""
    shard, width = shard_of(row.offer.makes), _width(row.passages or row, known)
    like = ["encode queries", row.pace(known.device)]
    least = vectors_bytes(count, width, shard, number)
    return Work(unit, count, like, least=least, shard=shard)


def _width(row: Row, known: Known) -> int | None:
    """Return how many numbers each text has in any case; None if that is not known yet."""
    return known.width(row) if row.offer.makes == DENSE else 0


def bytes_of_number(row: Row) -> int:
    """Return the bytes of one number of a row's kept vectors."""
    return HALF if row.store == FLOAT16 else FLOAT
