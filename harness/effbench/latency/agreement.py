"""Whether timed queries got the answers of the quality pass: no time without its answer.

A worker hands on the first hits of each timed query; they are held against the cell's run when
the session is over. Of an encoder that reads while the user types, or can tell its stages, the
vectors are held against those of ``encode_queries`` in the worker itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from effbench.answers import scored_docs
from effbench.api import ScoredDoc
from effbench.cells import Cell
from effbench.errors import EffbenchError
from effbench.rows import Row
from effbench.runs import stream_trec
from effbench.steps.search import RUN, SearchIndex
from effbench.vectors import ids_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from effbench.workbench import Workbench

FIRST = 10
"""Hits of a query that are compared."""

NEAR, ROUGH = 0.01, 0.1
"""How far scores may lie apart, of a query's largest: of any hits, and where half are shared.

A batch of one moves last bits, a GPU more, and inputs that are quantised with their batch some
per cent.
"""

VECTORS = 1e-3
"""How far two vectors of a text may lie apart, of their length."""

Answer: TypeAlias = "tuple[tuple[int | str, float], ...] | None"
"""A query's first hits, best first: position or doc_id, score; None where one is not finite."""


def first_hits(found: Any, cell: Cell) -> Answer:
    """Return the first hits of an answer to one query: of an index's arrays, a system's lists.

    One more than are compared: a query's own doc may be among them.

    Raises:
        EffbenchError: it is no answer to one query.

    """
    import numpy as np

    docs: Sequence[int | str]
    if isinstance(cell.search, SearchIndex):
        docs, scores = _one_line(found, cell.search.index.row)
    else:
        docs, scores = _one_list(found, cell.row)
    if not np.isfinite(scores).all():
        return None
    scores = scores.astype(np.float64)
    best = np.argsort(-scores, kind="stable")[: FIRST + 1]
    return tuple((docs[i], float(scores[i])) for i in best.tolist())


def _one_list(found: Any, row: Row) -> tuple[list[str], NDArray[Any]]:
    """Return doc_ids and scores of a retriever's answer to one query."""
    import numpy as np

    if len(found) != 1:
        raise EffbenchError(f"{row.who}: search returned {len(found)} lists for 1 query")
    hits = scored_docs(found[0], row)
    return [hit.doc_id for hit in hits], np.array([hit.score for hit in hits])


def _one_line(found: Any, row: Row) -> tuple[Sequence[int], NDArray[Any]]:
    """Return positions and scores of an index's answer to one query, without what is no hit."""
    scores, positions = found
    if not (
        scores.shape == positions.shape == (1, scores.size)
        and positions.dtype.kind in "iu"
        and scores.dtype.kind in "fiu"
        and (positions >= -1).all()
    ):
        raise EffbenchError(
            f"{row.who}: search returned scores {scores.dtype} {list(scores.shape)} and "
            f"positions {positions.dtype} {list(positions.shape)} for 1 query "
            "(numbers and whole numbers [1, hits] are wanted)"
        )
    there = positions[0] >= 0
    return positions[0][there].tolist(), scores[0][there]


def unlike(vectors: Sequence[Any], wanted: Sequence[Any]) -> list[int]:
    """Return the numbers of the vectors [1, d] that are not near those that are wanted."""
    import numpy as np

    pairs = zip(vectors, wanted, strict=True)
    near = (np.linalg.norm(own - true) <= VECTORS * np.linalg.norm(true) for own, true in pairs)
    return [number for number, one in enumerate(near) if not one]


class Answers:
    """What timed queries were answered, until it is compared: cell -> query_id -> answers."""

    def __init__(self) -> None:
        """Start with none."""
        self._of: dict[str, dict[str, set[Answer]]] = {}

    def keep(self, cell: str, queries: Iterable[str], answers: Iterable[Any]) -> None:
        """Take what a worker said; what it said before is kept once."""
        own = self._of.setdefault(cell, {})
        for query, answer in zip(queries, answers, strict=True):
            hits = None if answer is None else tuple((doc, score) for doc, score in answer)
            own.setdefault(query, set()).add(hits)

    def differing(self, cell: Cell, bench: Workbench) -> list[str]:
        """Return the queries of which some answer is not that of the cell's run."""
        search, given = cell.search, self._of.get(cell.name, {})
        path = bench.artifact(search).folder / RUN
        run = {query: hits for query, hits in stream_trec(path) if query in given}
        ids: Mapping[Any, str] | None = None
        if isinstance(search, SearchIndex):
            folder = bench.artifact(search.index.corpus).folder
            every = (answer for answers in given.values() for answer in answers)
            ids = ids_at(folder, {int(doc) for answer in every for doc, _ in answer or ()})
        drops = cell.dataset.dataset.drop_self_hits
        count = min(FIRST, search.k - 1 if drops else search.k)

        def alike(query: str, answer: Answer) -> bool:
            hits = _named(answer, ids, query if drops else None)
            return same(hits, run.get(query, []), count)

        return [q for q, own in given.items() if not all(alike(q, one) for one in own)]


def _named(
    answer: Answer, ids: Mapping[Any, str] | None, drop: str | None
) -> list[ScoredDoc] | None:
    """Return an answer's hits by doc_id, less ``drop``; None where one is no doc."""
    if answer is None:
        return None
    try:
        hits = [
            ScoredDoc(str(doc) if ids is None else ids[doc], score) for doc, score in answer
        ]
    except KeyError:  # a position outside the corpus
        return None
    return [hit for hit in hits if hit.doc_id != drop]


def same(hits: Sequence[ScoredDoc] | None, run: Sequence[ScoredDoc], count: int) -> bool:
    """Tell whether a query's hits, best first, are those of a run, by the first ``count``.

    The scores at each rank must be near, or half of the docs shared and the scores roughly the
    same; and each doc must have such a score in the run too, one that the run lacks that of the
    run's last.
    """
    if hits is None:
        return False
    mine, best = hits[:count], run[:count]
    if not mine or not best:
        return not mine and not best
    known, last = dict(run), run[-1].score
    apart = [abs(hit.score - known.get(hit.doc_id, last)) for hit in mine]
    apart += [abs(hit.score - other.score) for hit, other in zip(mine, best, strict=False)]
    # equal scores are lowered by the smallest step there is, in a run
    size = max(abs(hit.score) for hit in (*mine, *best)) + 1e-30
    if len(mine) == len(best) and max(apart) <= NEAR * size:
        return True
    shared = len({hit.doc_id for hit in mine} & {hit.doc_id for hit in best})
    return 2 * shared >= max(len(mine), len(best)) and max(apart) <= ROUGH * size
