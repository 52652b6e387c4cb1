"""The check that timed queries got the answers of the quality pass; if not, no time counts.

A worker returns the first hits of each timed query. When the session is over, these hits are
compared with the cell's run. Some encoders read while the user types, or tell the stages of
encoding apart. The worker itself compares their vectors with those of ``encode_queries``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from effbench.api.encoders import ScoredDoc
from effbench.api.errors import EffbenchError
from effbench.plan.cells import Cell
from effbench.steps.hits import check_answer, retrieved
from effbench.steps.ids import ids_at
from effbench.steps.search import RUN, SearchIndex
from effbench.store.trec import stream_trec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench.vectors.kinds import VectorKind
    from effbench.work.workbench import Workbench

FIRST = 10
"""How many hits of a query are compared."""

TIED, NEAR, ROUGH = 0.002, 0.01, 0.1
"""How far two scores may differ, as a share of the query's largest score.

TIED is for a hit that the run lacks: it is compared with the run's last hit. NEAR is for all
other hits. ROUGH is for all hits of a query that shares half of its docs with the run.

A query that is encoded alone differs in the last bits from the same query in a batch. On a GPU
it differs more, and by some per cent where an encoder quantises a batch together.
"""

VECTORS = 0.05
"""How far two vectors of a text may differ, as a share of their length.

An int8 encoder that reads word by word uses other scales than for the whole text. The vectors
of small-query's gru differ by 1.4 %.
"""

Answer: TypeAlias = "tuple[tuple[int | str, float], ...] | None"
"""A query's first hits, best first, as (position or doc_id, score).

It is None where a score is not finite.
"""


def first_hits(answer: Any, text: str, cell: Cell, docs: int) -> Answer:
    """Return the first hits in the answer of a retriever, or of an index of ``docs`` docs.

    Return one hit more than are compared, since the query's own doc may be among them.

    Raises:
        EffbenchError: this is not an answer to one query.

    """
    hits: Sequence[tuple[int | str, float]]
    if isinstance(cell.search, SearchIndex):
        scores, positions = answer
        check_answer(scores, positions, (1, docs), cell.search.index.row)
        pairs = zip(positions[0].tolist(), scores[0].tolist(), strict=True)
        hits = [(position, score) for position, score in pairs if position >= 0]
    elif len(answer) == 1:
        hits = retrieved(answer[0], text, cell.row)
    else:
        raise EffbenchError(
            f"{cell.row.who}: search returned {len(answer)} lists for 1 query (one is wanted)"
        )
    if not all(math.isfinite(score) for _, score in hits):
        return None
    return tuple((doc, score) for doc, score in hits[: FIRST + 1])


def differing_vectors(
    kind: VectorKind, vectors: Sequence[Any], expected: Sequence[Any]
) -> list[int]:
    """Return which of the vectors, each of one text, are not near the expected ones."""
    pairs = zip(map(kind.numbers, vectors), map(kind.numbers, expected), strict=True)
    return [number for number, pair in enumerate(pairs) if not _near(*pair)]


def _near(numbers: NDArray[Any], true: NDArray[Any]) -> bool:
    import numpy as np

    if numbers.shape != true.shape:  # another number of tokens
        return False
    return bool(np.linalg.norm(numbers - true) <= VECTORS * np.linalg.norm(true))


class Answers:
    """The answers to timed queries, until they are compared: cell -> query_id -> answers."""

    def __init__(self) -> None:
        """Start without an answer."""
        self._by_cell: dict[str, dict[str, set[Answer]]] = {}

    def keep(self, cell: str, queries: Iterable[str], answers: Iterable[Any]) -> None:
        """Take the answers of a worker; equal answers to a query are kept once."""
        by_query = self._by_cell.setdefault(cell, {})
        for query, answer in zip(queries, answers, strict=True):
            hits = None if answer is None else tuple((doc, score) for doc, score in answer)
            by_query.setdefault(query, set()).add(hits)

    def differing(self, cell: Cell, bench: Workbench) -> list[str]:
        """Return the queries that got an answer that differs from the cell's run."""
        search, by_query = cell.search, self._by_cell.get(cell.name, {})
        path = bench.artifact(search).folder / RUN
        run = {query: hits for query, hits in stream_trec(path) if query in by_query}
        ids: Mapping[Any, str] | None = None
        if isinstance(search, SearchIndex):
            folder = bench.artifact(search.index.corpus).folder
            every = (answer for answers in by_query.values() for answer in answers)
            docs = {doc for answer in every for doc, _ in answer or ()}
            ids = ids_at(folder, (doc for doc in docs if isinstance(doc, int)))
        drops = cell.dataset.declared.drop_self_hits
        count = min(FIRST, search.k)

        def agrees(query: str, answer: Answer) -> bool:
            hits = _hits_by_id(answer, ids, query if drops else None)
            return same_hits(hits, run.get(query, []), count)

        return [
            query
            for query, answers in by_query.items()
            if not all(agrees(query, answer) for answer in answers)
        ]


def _hits_by_id(
    answer: Answer, ids: Mapping[Any, str] | None, drop: str | None
) -> list[ScoredDoc] | None:
    """Return an answer's hits by doc_id, without ``drop``; None if a hit is no doc."""
    if answer is None:
        return None
    try:
        hits = [
            ScoredDoc(str(doc) if ids is None else ids[doc], score) for doc, score in answer
        ]
    except KeyError:  # a position outside the corpus
        return None
    return [hit for hit in hits if hit.doc_id != drop]


def same_hits(hits: Sequence[ScoredDoc] | None, run: Sequence[ScoredDoc], count: int) -> bool:
    """Tell whether the first ``count`` hits of a query, best first, agree with its run.

    They agree in one of two cases:

    - The scores at each rank are near, and so are the two scores of each doc. A doc that the
      run lacks must tie with the run's last doc, since some models score all docs within a
      few per cent.
    - They share half of their docs, and the scores are roughly equal. An approximate search
      misses a doc now and then.
    """
    if hits is None:
        return False
    timed, best = hits[:count], run[:count]
    if not timed or not best:
        return not timed and not best
    known, last = dict(run), run[-1].score
    ranks = [abs(hit.score - true.score) for hit, true in zip(timed, best, strict=False)]
    lacked = [abs(hit.score - last) for hit in timed if hit.doc_id not in known]
    shared = [abs(hit.score - known[hit.doc_id]) for hit in timed if hit.doc_id in known]
    # a run lowers the second of two equal scores by the smallest possible step
    size = max(abs(hit.score) for hit in (*timed, *best)) + 1e-30
    far = max([*ranks, *shared])
    near = far <= NEAR * size and max(lacked, default=0.0) <= TIED * size
    if near and len(timed) == len(best):
        return True
    both = len({hit.doc_id for hit in timed} & {hit.doc_id for hit in best})
    return 2 * both >= max(len(timed), len(best)) and far <= ROUGH * size
