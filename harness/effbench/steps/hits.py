"""What searches return, refused where it is not as promised, and as hits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from effbench.api.encoders import ScoredDoc
from effbench.api.errors import EffbenchError
from effbench.guard.ordinary import ordinary
from effbench.store.reading import checked_text
from effbench.work.rows import Row

if TYPE_CHECKING:
    from effbench.api.encoders import Vectors

LARGEST = (2 - 2**-23) * 2.0**127
"""The largest 32-bit float: runs are written with such scores."""


def check_answer(scores: Any, positions: Any, shape: tuple[int, int], row: Row) -> None:
    """Refuse an index's answer, two arrays, that is not as `effbench.Index` says.

    Args:
        scores: floats [queries, hits], best first.
        positions: integers [queries, hits]; -1 stands for no hit.
        shape: how many queries were asked, how many docs there are.
        row: the index, which messages name.

    Raises:
        EffbenchError: kinds or shapes are wrong, scores rise from one hit to the next, or a
            position is no row of the corpus.

    """
    import numpy as np

    who, (queries, docs) = f"{row.who}: search returned", shape
    if scores.dtype.kind != "f" or positions.dtype.kind not in "iu":
        raise EffbenchError(
            f"{who} scores of {scores.dtype} and positions of {positions.dtype} "
            "(floats and integers are wanted, in this order)"
        )
    if scores.shape != positions.shape or positions.ndim != 2 or len(positions) != queries:
        raise EffbenchError(
            f"{who} scores {list(scores.shape)} and positions {list(positions.shape)} for "
            f"{queries} queries (both [queries, hits] are wanted)"
        )
    if positions.size and not -1 <= positions.min() <= positions.max() < docs:
        raise EffbenchError(f"{who} a position outside the corpus (it has 0 to docs - 1)")
    # the lowest score so far, whatever stands where there is no hit
    lowest = np.minimum.accumulate(np.where(positions >= 0, scores, np.inf), axis=1)
    if ((positions[:, 1:] >= 0) & (scores[:, 1:] > lowest[:, :-1])).any():
        raise EffbenchError(
            f"{who} scores that rise from one hit to the next (inner products, the best first; "
            "turn distances into scores)"
        )


def positions_to_hits(
    scores: Vectors, positions: Any, doc_ids: Sequence[str]
) -> Iterator[list[ScoredDoc]]:
    """Yield each query's hits from an index's answer; -1 stands for no hit."""
    for line_scores, line_positions in zip(scores.tolist(), positions.tolist(), strict=True):
        yield [
            ScoredDoc(doc_ids[position], score)
            for score, position in zip(line_scores, line_positions, strict=True)
            if position >= 0
        ]


def retrieved(hits: Iterable[Any], query_id: str, row: Row) -> list[ScoredDoc]:
    """Return a system's hits of one query as what they should be; refuse anything else."""
    found = []
    for hit in hits:
        # a subclass may do its work when it is taken apart, which no clock would see
        plain: Any = hit if type(hit) in (ScoredDoc, tuple, list) else ()
        try:
            doc_id, score = plain
            if type(doc_id) is not str:
                doc_id = ordinary(doc_id)
            found.append(ScoredDoc(doc_id, float(score)))
        except (TypeError, ValueError):
            doc_id = None
        if not isinstance(doc_id, str):
            raise EffbenchError(
                f"{row.who}: search returned {hit!r:.60} for query {query_id!r} "
                "(a ScoredDoc is wanted: doc_id, which is a string, and score)"
            )
    if any(worse.score > better.score for better, worse in pairwise(found)):
        raise EffbenchError(
            f"{row.who}: search returned scores that rise from one hit to the next for query "
            f"{query_id!r} (larger is better, the best first; turn distances into scores)"
        )
    return found


def check_hits(query_id: str, hits: Sequence[ScoredDoc], row: Row) -> None:
    """Refuse a doc that comes twice, and an id or a score that a run cannot hold.

    Raises:
        EffbenchError: it names the row that searched and the query.

    """
    if len({hit.doc_id for hit in hits}) < len(hits):
        raise EffbenchError(
            f"{row.who}: search returned a doc twice for query {query_id!r} (return each once)"
        )
    for hit in hits:
        checked_text(hit.doc_id, f"{row.who}: search returned a doc id that")
    if not all(-LARGEST <= hit.score <= LARGEST for hit in hits):
        raise EffbenchError(
            f"{row.who}: search returned a score that is no finite 32-bit float for "
            f"query {query_id!r}"
        )
