"""The examples step: queries with good and bad docs from any mix of datasets, gathered once."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench.api.errors import EffbenchError
from effbench.guard.ordinary import ordinary
from effbench.steps.data import (
    Data,
    asked_of,
    docs_of,
    judgments_of,
    passing_docs,
    qrels_of,
    queries_of,
)
from effbench.steps.train import MODEL, Train
from effbench.store.disk import save_array
from effbench.store.examples import DOCS, NEGATIVES, PLACES, POSITIVES, QUERIES, put_lists
from effbench.store.trec import read_docpairs
from effbench.work.datasets import DatasetRow
from effbench.work.effort import Work
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact

DOCPAIRS = "docpairs.tsv"
"""What a trainer that mines negatives writes: query_id TAB doc_id_a TAB doc_id_b a line."""


class Example(NamedTuple):
    """A query with the ids of its good and of its bad docs."""

    query: str
    positives: Sequence[str]
    negatives: Sequence[str]


@dataclass(frozen=True)
class Judgments:
    """A dataset's queries with the docs judged relevant to them, and mined negatives."""

    data: Data
    negatives: Train | None
    first: int | None = None
    """How many judgments are taken, in the dataset's order; None for all."""

    @property
    def row(self) -> DatasetRow:
        """The dataset."""
        return self.data.row

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps it reads from."""
        return (self.data, self.negatives) if self.negatives else (self.data,)

    @property
    def fact(self) -> list[Any]:
        """What decides the examples, beside the steps."""
        return ["judgments", self.row.key, self.row.corpus_key, self.first]

    def examples(self, bench: Bench) -> Iterator[Example]:
        """Yield an example a query that has a relevant doc."""
        positives: dict[str, list[str]] = defaultdict(list)
        qrels = qrels_of(self.data, bench)
        if self.first is not None:  # the step has sorted them
            qrels = list(islice(judgments_of(self.row), self.first))
        for qrel in qrels:
            if qrel.relevance > 0:
                positives[qrel.query_id].append(qrel.doc_id)
        negatives: dict[str, list[str]] = defaultdict(list)
        if self.negatives:
            for pair in read_docpairs(bench.artifact(self.negatives).folder / MODEL / DOCPAIRS):
                negatives[pair.query_id].append(pair.doc_id_b)
            if not positives.keys() & negatives.keys():
                raise EffbenchError(
                    f"examples: {self.negatives.row.name!r} has no negative for any query of "
                    f"{self.row.name} (mine from this dataset)"
                )
        for query in queries_of(self.data, bench):
            good, bad = positives.get(query.query_id, ()), negatives.get(query.query_id, ())
            yield Example(query.text, good, bad)


@dataclass(frozen=True)
class Docpairs:
    """The training pairs that a dataset brings: their first docs are good, the others bad."""

    row: DatasetRow
    steps = ()

    @property
    def fact(self) -> list[Any]:
        """What decides the examples."""
        return ["docpairs", self.row.key, self.row.corpus_key]

    def examples(self, bench: Bench) -> Iterator[Example]:
        """Yield an example a query of the pairs."""
        pairs: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
        one: dict[str, str] = {}  # an id is in memory once, however many pairs name it
        for query_id, better, worse in self.row.docpairs(_docpair):
            good, bad = pairs[query_id]
            good.append(one.setdefault(better, better))
            bad.append(one.setdefault(worse, worse))
        for query in asked_of(self.row):
            if query.query_id in pairs:
                yield Example(query.text, *pairs[query.query_id])


def _docpair(given: Any) -> tuple[str, str, str]:
    ids = given.query_id, given.doc_id_a, given.doc_id_b
    if all(type(name) is str for name in ids):  # all else that ids must be costs too much here
        return ids
    for name in map(ordinary, ids):
        if not isinstance(name, str):
            raise TypeError(f"a docpair has the id {name!r:.60} (give strings)")
    return tuple(map(ordinary, ids))


@dataclass(frozen=True)
class GatherExamples:
    """Gather examples: no doc stands twice with a query, none is good and bad for it."""

    sources: tuple[Judgments | Docpairs, ...]
    kind = "examples"

    @property
    def label(self) -> str:
        return f"gather examples of {', '.join(self.datasets)}"

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the datasets that the examples are of."""
        return tuple(source.row.name for source in self.sources)

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"sources": [source.fact for source in self.sources]}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return tuple(step for source in self.sources for step in source.steps)

    @property
    def corpora(self) -> tuple[DatasetRow, ...]:
        """A dataset for each distinct corpus: `PLACES` counts them in this order."""
        return tuple({one.row.corpus_key: one.row for one in self.sources}.values())

    @property
    def offers(self) -> tuple[Offer, ...]:
        return tuple(source.row.offer for source in self.sources)

    def work(self, known: Known) -> Work:
        return Work("examples", known.said(self, "queries"))

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        corpora = [row.corpus_key for row in self.corpora]
        found: list[list[Example]] = [[] for _ in corpora]
        for source in self.sources:
            number = corpora.index(source.row.corpus_key)
            found[number] += source.examples(bench)
        with passing_docs(self.label, self.corpora, bench) as advance:
            positions = _put_docs(artifact, self.corpora, found, advance)
        given = [
            _numbered(example, positions[number])
            for number, examples in enumerate(found)
            for example in examples
        ]
        kept = [one for one in given if one[1]]
        if not kept:
            raise EffbenchError(
                f"{self.label}: no query has a relevant doc (is the split right?)"
            )
        queries, positives, negatives = zip(*kept, strict=True)
        artifact.put_text(QUERIES, json.dumps(queries, ensure_ascii=False))
        put_lists(artifact, POSITIVES, positives)
        put_lists(artifact, NEGATIVES, negatives)
        return {
            "queries": len(kept),
            "without_positives": len(given) - len(kept),
            "without_negatives": sum(not bad for bad in negatives),
            "docs": sum(map(len, positions)),
        }


def _put_docs(
    artifact: Artifact,
    corpora: Sequence[DatasetRow],
    found: Sequence[Sequence[Example]],
    advance: Callable[[int], None],
) -> list[dict[str, int]]:
    """Keep the docs that examples name; return each corpus's doc_id -> position among them.

    `PLACES` says of each where its line begins, its corpus, and its row there.
    """
    import numpy as np

    positions: list[dict[str, int]] = []
    places: list[tuple[int, int, int]] = []
    with (artifact.folder / f".{DOCS}").open("wb") as file:
        for number, (corpus, examples) in enumerate(zip(corpora, found, strict=True)):
            wanted = {d for one in examples for ids in one[1:] for d in ids}
            positions.append({})
            for row, doc in enumerate(docs_of(corpus)):
                advance(1)
                if doc.doc_id in wanted:
                    positions[-1][doc.doc_id] = len(places)
                    places.append((file.tell(), number, row))
                    file.write(json.dumps(doc, ensure_ascii=False).encode() + b"\n")
    artifact.put(DOCS, (artifact.folder / f".{DOCS}").replace)
    artifact.put(
        PLACES, lambda path: save_array(path, np.array(places, dtype=np.int64).reshape(-1, 3))
    )
    return positions


def _numbered(
    example: Example, positions: Mapping[str, int]
) -> tuple[str, list[int], list[int]]:
    """Return an example with positions for ids; docs that the corpus lacks are left out."""
    good = dict.fromkeys(positions[d] for d in example.positives if d in positions)
    bad = dict.fromkeys(positions[d] for d in example.negatives if d in positions)
    return example.query, list(good), [position for position in bad if position not in good]
