"""Rules for judgments: the same for a qrels file and for a dataset of a plugin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from effbench.api.encoders import Qrel
from effbench.api.errors import EffbenchError
from effbench.store.reading import checked_id, checked_relevance, shown


def checked(given: Iterable[Any], where: str) -> Qrel:
    """Return a checked judgment from a query id, a doc id and a relevance.

    Raises:
        EffbenchError: an id or the relevance is invalid; the message begins with ``where``.

    """
    query_id, doc_id, relevance = given
    return Qrel(
        checked_id(query_id, f"{where}: the query's id"),
        checked_id(doc_id, f"{where}: the doc's id"),
        checked_relevance(relevance, f"{where}: relevance"),
    )


def distinct(judged: Iterable[tuple[str, Qrel]]) -> Iterator[Qrel]:
    """Yield each judgment once, from pairs of its place (for messages) and the judgment.

    Raises:
        EffbenchError: a doc has two different judgments for a query.

    """
    known: dict[tuple[str, str], int] = {}
    for where, qrel in judged:
        query_id, doc_id, value = qrel
        pair = query_id, doc_id
        if pair not in known:
            known[pair] = value
            yield qrel
        elif known[pair] != value:
            raise EffbenchError(
                f"{where}: query {shown(query_id)}, doc {shown(doc_id)} has two judgments, "
                f"{known[pair]} and {value} (keep one)"
            )
