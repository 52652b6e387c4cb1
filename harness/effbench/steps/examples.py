"""The examples step: gathers queries with their good and bad docs from several datasets."""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench.api.errors import EffbenchError
from effbench.guard.ordinary import ordinary
from effbench.steps.data import (
    Data,
    all_queries_of,
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
"""The file of a trainer that mines negatives; a line is query_id TAB doc_id_a TAB doc_id_b."""


class Example(NamedTuple):
    """The text of a query, the ids of its good docs, and the ids of its bad docs."""

    query: str
    positives: Sequence[str]
    negatives: Sequence[str]


@dataclass(frozen=True)
class Judgments:
    """A source of examples: a dataset's queries, their relevant docs and mined negatives."""

    data: Data
    negatives: Train | None
    first: int | None = None
    """How many judgments are taken, in the order of the dataset; None for all."""

    @property
    def row(self) -> DatasetRow:
        """The dataset."""
        return self.data.row

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps whose artifacts it reads."""
        return (self.data, self.negatives) if self.negatives else (self.data,)

    @property
    def fact(self) -> list[Any]:
        """What decides the examples, apart from the steps."""
        return ["judgments", self.row.key, self.row.corpus_key, self.first]

    def examples(self, bench: Bench) -> Iterator[Example]:
        """Yield an example for each judged query."""
        positives: dict[str, list[str]] = defaultdict(list)
        qrels = qrels_of(self.data, bench)
        if self.first is not None:  # the data step sorts judgments, so read them again
            qrels = list(islice(judgments_of(self.row), self.first))
        for qrel in qrels:
            if qrel.relevance > 0:
                positives[qrel.query_id].append(qrel.doc_id)
        negatives: dict[str, list[str]] = defaultdict(list)
        if self.negatives:
            path = bench.artifact(self.negatives).folder / MODEL / DOCPAIRS
            if not path.exists():
                raise EffbenchError(
                    f"examples: the model {self.negatives.row.name!r} has no {DOCPAIRS} "
                    "(name a row whose trainer mines negatives)"
                )
            for pair in read_docpairs(path):
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
    """A source of examples: the docpairs of a dataset, whose first doc is the good one."""

    row: DatasetRow
    steps = ()

    @property
    def fact(self) -> list[Any]:
        """What decides the examples."""
        return ["docpairs", self.row.key, self.row.corpus_key]

    def examples(self, bench: Bench) -> Iterator[Example]:
        """Yield an example for each query of the docpairs."""
        pairs: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
        shared: dict[str, str] = {}  # keeps one string for an id that many pairs name
        for query_id, better, worse in self.row.docpairs(_docpair):
            good, bad = pairs[query_id]
            good.append(shared.setdefault(better, better))
            bad.append(shared.setdefault(worse, worse))
        for query in all_queries_of(self.row):
            if query.query_id in pairs:
                yield Example(query.text, *pairs[query.query_id])


def _docpair(given: Any) -> tuple[str, str, str]:
    ids = given.query_id, given.doc_id_a, given.doc_id_b
    if all(type(name) is str for name in ids):  # to check ids in full would take too long here
        return ids
    for name in map(ordinary, ids):
        if not isinstance(name, str):
            raise TypeError(f"a docpair has the id {name!r:.60} (give strings)")
    return tuple(map(ordinary, ids))


@dataclass(frozen=True)
class GatherExamples:
    """Gather examples: a doc occurs once with a query, and is either good or bad for it."""

    sources: tuple[Judgments | Docpairs, ...]
    kind = "examples"

    @property
    def label(self) -> str:
        return f"gather examples of {', '.join(self.datasets)}"

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the datasets from which the examples come, each once."""
        return tuple(dict.fromkeys(source.row.name for source in self.sources))

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"sources": [source.fact for source in self.sources]}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return tuple(step for source in self.sources for step in source.steps)

    @property
    def corpora(self) -> tuple[DatasetRow, ...]:
        """One dataset for each distinct corpus; `PLACES` numbers the corpora in this order."""
        return tuple({source.row.corpus_key: source.row for source in self.sources}.values())

    @property
    def offers(self) -> tuple[Offer, ...]:
        return tuple(source.row.offer for source in self.sources)

    def work(self, known: Known) -> Work:
        return Work("examples", known.count(self, "queries"))

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        corpora = [row.corpus_key for row in self.corpora]
        examples_by_corpus: list[list[Example]] = [[] for _ in corpora]
        for source in self.sources:
            number = corpora.index(source.row.corpus_key)
            examples_by_corpus[number] += source.examples(bench)
        with passing_docs(self.label, self.corpora, bench) as advance:
            positions = _put_docs(artifact, self.corpora, examples_by_corpus, advance)
        gathered = [
            _numbered(example, positions[number])
            for number, examples in enumerate(examples_by_corpus)
            for example in examples
        ]
        kept = [example for example in gathered if example[1]]
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
            "without_positives": len(gathered) - len(kept),
            "without_negatives": sum(not bad for bad in negatives),
            "docs": sum(map(len, positions)),
        }


def _put_docs(
    artifact: Artifact,
    corpora: Sequence[DatasetRow],
    examples_by_corpus: Sequence[Sequence[Example]],
    advance: Callable[[int], None],
) -> list[dict[str, int]]:
    """Write the docs that examples name; return for each corpus doc_id -> position in `DOCS`.

    `PLACES`, int64 [docs, 3], holds for each doc the byte where its line begins in `DOCS`, the
    number of its corpus, and its row in that corpus.
    """
    import numpy as np

    positions: list[dict[str, int]] = []
    places = array("q")  # 24 bytes for each doc that examples name
    with (artifact.folder / f".{DOCS}").open("wb") as file:
        for number, (corpus, examples) in enumerate(
            zip(corpora, examples_by_corpus, strict=True)
        ):
            wanted = {doc_id for example in examples for ids in example[1:] for doc_id in ids}
            positions.append({})
            for row, doc in enumerate(docs_of(corpus)):
                advance(1)
                if doc.doc_id in wanted:
                    positions[-1][doc.doc_id] = len(places) // 3
                    places.extend((file.tell(), number, row))
                    file.write(json.dumps(doc, ensure_ascii=False).encode() + b"\n")
    artifact.put(DOCS, (artifact.folder / f".{DOCS}").replace)
    artifact.put(
        PLACES, lambda path: save_array(path, np.array(places, dtype=np.int64).reshape(-1, 3))
    )
    return positions


def _numbered(
    example: Example, positions: Mapping[str, int]
) -> tuple[str, list[int], list[int]]:
    """Return an example with positions in place of ids, without docs that the corpus lacks."""
    good = dict.fromkeys(positions[d] for d in example.positives if d in positions)
    bad = dict.fromkeys(positions[d] for d in example.negatives if d in positions)
    return example.query, list(good), [position for position in bad if position not in good]
