"""Checks of the answers of searches, which then become hits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from effbench.api.encoders import ScoredDoc
from effbench.api.errors import EffbenchError
from effbench.guard.ordinary import ordinary
from effbench.store.reading import checked_text
from effbench.store.trec import Hits
from effbench.text.words import counted
from effbench.work.rows import Row

if TYPE_CHECKING:
    from effbench.api.encoders import Vectors
    from effbench.steps.hashed import KnownIds
    from effbench.steps.ids import Ids

_AT_ONCE = 2**19
"""Hits that get their ids together: some 40 MB."""

LARGEST = (2 - 2**-23) * 2.0**127
"""The largest 32-bit float: a run is written with 32-bit scores."""


def check_answer(scores: Any, positions: Any, shape: tuple[int, int], row: Row) -> None:
    """Refuse an index's answer if it breaks the contract of `effbench.Index`.

    Args:
        scores: floats [queries, hits], best first.
        positions: integers [queries, hits]; -1 stands for no hit.
        shape: the number of queries, and the number of docs in the corpus.
        row: the row of the index, which messages name.

    Raises:
        EffbenchError: a dtype or a shape is wrong, scores rise from one hit to the next, or a
            position is not a row of the corpus.

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
    # the lowest score so far; where there is no hit, the score means nothing
    lowest = np.minimum.accumulate(np.where(positions >= 0, scores, np.inf), axis=1)
    if ((positions[:, 1:] >= 0) & (scores[:, 1:] > lowest[:, :-1])).any():
        raise EffbenchError(
            f"{who} scores that rise from one hit to the next (inner products, the best first; "
            "turn distances into scores)"
        )


def check_lists(lists: Sequence[Any], queries: int, row: Row) -> None:
    """Refuse a retriever's answer that does not hold a list for each query."""
    if len(lists) != queries:
        raise EffbenchError(
            f"{row.who}: search returned {counted(len(lists), 'lists')} for "
            f"{counted(queries, 'queries')} (one list a query is wanted)"
        )


def refuse_strangers(doc_ids: Sequence[str], known: KnownIds, corpus: str, row: Row) -> None:
    """Refuse hits on docs that a corpus does not have; ``corpus`` is its dataset's name."""
    for doc_id in known.lacking(doc_ids):
        raise EffbenchError(
            f"{row.who}: search returned {doc_id!r}, which is no doc of {corpus} "
            "(is it another corpus?)"
        )


def positions_to_hits(
    scores: Vectors, positions: Any, doc_ids: Callable[[Sequence[int]], list[str]]
) -> Iterator[list[ScoredDoc]]:
    """Yield the hits of each query; scores and positions are [queries, hits], -1 for no hit.

    ``doc_ids`` returns the ids of rows of the corpus.
    """
    for line_scores, line_positions in zip(scores.tolist(), positions.tolist(), strict=True):
        present = [position for position in line_positions if position >= 0]
        kept = [
            s for s, position in zip(line_scores, line_positions, strict=True) if position >= 0
        ]
        yield list(map(ScoredDoc, doc_ids(present), kept))


def index_hits(
    query_ids: Sequence[str], scores: Vectors, positions: Any, doc_ids: Ids
) -> Iterator[Hits]:
    """Yield the hits of each query; scores and positions are [queries, hits], -1 for no hit."""
    import numpy as np

    rows = max(1, _AT_ONCE // max(1, positions.shape[1]))
    for begin in range(0, len(query_ids), rows):
        block = slice(begin, begin + rows)
        present, values = positions[block] >= 0, scores[block].astype(np.float64)
        names = iter(doc_ids.at(positions[block][present]))
        for query_id, line, there in zip(query_ids[block], values, present, strict=True):
            found = line[there]
            yield Hits(query_id, list(islice(names, len(found))), found)


def retrieved(hits: Iterable[Any], query_id: str, row: Row) -> list[ScoredDoc]:
    """Return a retriever's hits for a query as `ScoredDoc`.

    Raises:
        EffbenchError: a hit is not a pair of a string and a number, or scores rise.

    """
    checked = []
    for hit in hits:
        # a subclass may do work when it is unpacked, and no clock would time it
        plain: Any = hit if type(hit) in (ScoredDoc, tuple, list) else ()
        try:
            doc_id, score = plain
            if type(doc_id) is not str:
                doc_id = ordinary(doc_id)
            checked.append(ScoredDoc(doc_id, float(score)))
        except (TypeError, ValueError):
            doc_id = None
        if not isinstance(doc_id, str):
            raise EffbenchError(
                f"{row.who}: search returned {hit!r:.60} for query {query_id!r} "
                "(a ScoredDoc is wanted: doc_id, which is a string, and score)"
            )
    if any(worse.score > better.score for better, worse in pairwise(checked)):
        raise EffbenchError(
            f"{row.who}: search returned scores that rise from one hit to the next for query "
            f"{query_id!r} (larger is better, the best first; turn distances into scores)"
        )
    return checked


def check_hits(hits: Hits, row: Row) -> None:
    """Refuse hits that a run cannot hold.

    Raises:
        EffbenchError: a doc comes twice, an id has a character that files cannot hold, or a
            score is not a finite 32-bit float; the message names the row.

    """
    query_id, doc_ids, scores = hits
    if len(set(doc_ids)) < len(doc_ids):
        raise EffbenchError(
            f"{row.who}: search returned a doc twice for query {query_id!r} (return each once)"
        )
    try:
        "".join(doc_ids).encode()
    except UnicodeEncodeError:
        for doc_id in doc_ids:
            checked_text(doc_id, f"{row.who}: search returned a doc id that")
    if not ((scores >= -LARGEST) & (scores <= LARGEST)).all():
        raise EffbenchError(
            f"{row.who}: search returned a score that is no finite 32-bit float for "
            f"query {query_id!r}"
        )
