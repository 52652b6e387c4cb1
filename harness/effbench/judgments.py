"""One set of rules for judgments, whoever provides them: a file, or a dataset of a plugin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from effbench.api import Qrel
from effbench.errors import EffbenchError
from effbench.reading import checked_id, checked_relevance, shown


def checked(judged: Iterable[tuple[str, Qrel]]) -> Iterator[Qrel]:
    """Yield judgments, each with where it stands, checked; one that is repeated comes once.

    Raises:
        EffbenchError: an id or a relevance is none, or a doc is judged twice and differently.

    """
    known: dict[tuple[str, str], int] = {}
    for where, (query_id, doc_id, relevance) in judged:
        checked_id(query_id, f"{where}: the query's id")
        checked_id(doc_id, f"{where}: the doc's id")
        value = checked_relevance(relevance, f"{where}: relevance")
        pair = query_id, doc_id
        if pair not in known:
            known[pair] = value
            yield Qrel(query_id, doc_id, value)
        elif known[pair] != value:
            raise EffbenchError(
                f"{where}: query {shown(query_id)}, doc {shown(doc_id)} has two judgments, "
                f"{known[pair]} and {value} (keep one)"
            )
