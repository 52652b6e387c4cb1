"""The features step: encodes the first docs and queries of a dataset, to compare domains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from effbench.api.training import Domain, TrainedModel
from effbench.steps.data import Data, docs_of, queries_of
from effbench.steps.encoded import encode_corpus, encode_queries
from effbench.store.disk import save_array
from effbench.work.effort import Work
from effbench.work.rows import Row
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact

PASSAGES, QUERIES = "passages.npy", "queries.npy"


@dataclass(frozen=True)
class EncodeDomain:
    """Encode the first docs and the first judged queries of a dataset."""

    row: Row
    data: Data
    first: int
    kind = "domain"

    @property
    def label(self) -> str:
        return f"encode {self.row.name} features of {self.data.row.name}"

    @property
    def datasets(self) -> tuple[str, ...]:
        """The dataset's name."""
        return (self.data.row.name,)

    @property
    def facts(self) -> Mapping[str, Any]:
        return {
            "row": self.row.query_facts,
            "passages": self._passages.query_facts,
            "corpus": self.data.row.corpus_key,
            "name": self.data.row.name,  # a model that is made of domains says their names
            "first": self.first,
        }

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.data, *self.row.steps, *self._passages.steps)

    @property
    def _passages(self) -> Row:
        return self.row.passages or self.row

    @property
    def offers(self) -> tuple[Offer, ...]:
        return (*self.row.offers, *self._passages.offers, self.data.row.offer)

    def work(self, known: Known) -> Work:
        docs = known.docs(self.data.row)
        like = ["encode docs", self._passages.pace(known.device)]
        return Work("docs", None if docs is None else min(docs, self.first), like)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        docs = list(islice(docs_of(self.data.row), self.first))
        queries = [query.text for query in queries_of(self.data, bench)[: self.first]]
        encode = encode_corpus(bench.instance(self._passages), self._passages, "take another")
        ask = encode_queries(bench.instance(self.row), self.row, "queries")
        with bench.progress.work(self.label, len(docs) + len(queries), "texts") as advance:
            passages: Any = encode(docs)
            advance(len(docs))
            query_vectors: Any = ask(queries)
            advance(len(queries))
        artifact.put(PASSAGES, lambda path: save_array(path, passages))
        artifact.put(QUERIES, lambda path: save_array(path, query_vectors))
        return {"docs": len(docs), "queries": len(queries)}


def read_domain(step: EncodeDomain, model: TrainedModel | None, bench: Bench) -> Domain:
    """Return a domain with its features, float32 [n, d] of its docs and of its queries."""
    import numpy as np

    folder = bench.artifact(step).folder
    passages, queries = (np.load(folder / name) for name in (PASSAGES, QUERIES))
    return Domain(step.data.row.name, passages, queries, model)
