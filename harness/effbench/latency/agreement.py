"""Whether timed queries got the answers of the quality pass: no time without its answer.

A worker hands on the first hits of each timed query; they are held against the cell's run when
the session is over. Of an encoder that reads while the user types, or can tell its stages, the
vectors are held against those of ``encode_queries`` in the worker itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from effbench.api.encoders import ScoredDoc
from effbench.api.errors import EffbenchError
from effbench.plan.cells import Cell
from effbench.steps.hits import check_answer, retrieved
from effbench.steps.search import RUN, SearchIndex
from effbench.steps.shards import ids_at
from effbench.store.trec import stream_trec

if TYPE_CHECKING:
    from effbench.work.workbench import Workbench

FIRST = 10
"""Hits of a query that are compared."""

TIED, NEAR, ROUGH = 0.002, 0.01, 0.1
"""How far scores may lie apart, of a query's largest: of a hit that the run lacks and its last,
of any hits, and where half are shared.

A batch of one moves last bits, a GPU more, and inputs that are quantised with their batch some
per cent.
"""

VECTORS = 0.05
"""How far two vectors of a text may lie apart, of their length.

What an int8 encoder reads word by word has other scales than the whole text: small-query's gru
is 1.4 % off.
"""

Answer: TypeAlias = "tuple[tuple[int | str, float], ...] | None"
"""A query's first hits, best first: position or doc_id, score; None where one is not finite."""


def first_hits(found: Any, text: str, cell: Cell, docs: int) -> Answer:
    """Return the first hits of the answer to one query, of a system or an index of ``docs``.

    One more than are compared: the query's own doc may be among them.

    Raises:
        EffbenchError: it is no answer to one query.

    """
    hits: Sequence[tuple[int | str, float]]
    if isinstance(cell.search, SearchIndex):
        scores, positions = found
        check_answer(scores, positions, (1, docs), cell.search.index.row)
        pairs = zip(positions[0].tolist(), scores[0].tolist(), strict=True)
        hits = [(position, score) for position, score in pairs if position >= 0]
    elif len(found) == 1:
        hits = retrieved(found[0], text, cell.row)
    else:
        raise EffbenchError(
            f"{cell.row.who}: search returned {len(found)} lists for 1 query (one is wanted)"
        )
    if not all(math.isfinite(score) for _, score in hits):
        return None
    return tuple((doc, score) for doc, score in hits[: FIRST + 1])


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
            docs = {doc for answer in every for doc, _ in answer or ()}
            ids = ids_at(folder, (doc for doc in docs if isinstance(doc, int)))
        drops = cell.dataset.declared.drop_self_hits
        count = min(FIRST, search.k)

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

    The scores at each rank must be near, and so must each doc's in the run (one that the run
    lacks must tie with its last: some models score all docs alike, within a few per cent); or
    half of the docs must be shared, and the scores be roughly those of the run. Of an
    approximate search, single docs come and go.
    """
    if hits is None:
        return False
    mine, best = hits[:count], run[:count]
    if not mine or not best:
        return not mine and not best
    known, last = dict(run), run[-1].score
    ranks = [abs(hit.score - other.score) for hit, other in zip(mine, best, strict=False)]
    lacked = [abs(hit.score - last) for hit in mine if hit.doc_id not in known]
    there = [abs(hit.score - known[hit.doc_id]) for hit in mine if hit.doc_id in known]
    # equal scores are lowered by the smallest step there is, in a run
    size = max(abs(hit.score) for hit in (*mine, *best)) + 1e-30
    near = max([*ranks, *there]) <= NEAR * size and max(lacked, default=0.0) <= TIED * size
    if near and len(mine) == len(best):
        return True
    shared = len({hit.doc_id for hit in mine} & {hit.doc_id for hit in best})
    return 2 * shared >= max(len(mine), len(best)) and max([*ranks, *there]) <= ROUGH * size
