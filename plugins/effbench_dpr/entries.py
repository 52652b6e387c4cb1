"""The entries of a DPR file: a question with its positives and hard negatives, checked."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import effbench
from effbench.files import checked_id, checked_text, kind_of
from effbench_dpr.stream import read_objects

log = logging.getLogger(__name__)

Docs: TypeAlias = Mapping[str, effbench.Doc]  # by doc_id, in the order of the file


class Entry(NamedTuple):
    """A question with at least one doc of each kind; none is of both."""

    query: effbench.Query
    positives: Docs
    negatives: Docs


def read_entries(path: Path, hard_negatives: int) -> Iterator[Entry]:
    """Yield the entries that have docs of both kinds; log how many have not.

    Of ``hard_negative_ctxs`` the first ``hard_negatives`` are read, of ``negative_ctxs``
    none. Raises `EffbenchError` with ``path:line`` for what is malformed.
    """
    read = left_out = 0
    for where, record in read_objects(path):
        query = effbench.Query(f"q{read}", _question(record, where))
        positives = _contexts(record, "positive_ctxs", where)
        negatives = _contexts(record, "hard_negative_ctxs", where, hard_negatives)
        negatives = {one: doc for one, doc in negatives.items() if one not in positives}
        if positives and negatives:
            yield Entry(query, positives, negatives)
        else:
            left_out += 1
        read += 1
    log.info(
        "%s: %d of %d entries left out, for want of a positive or of a hard negative",
        path,
        left_out,
        read,
    )


def _question(record: Mapping[str, Any], where: str) -> str:
    question = " ".join(checked_text(record.get("question"), f"{where}: question").split())
    if not question:
        raise effbench.EffbenchError(
            f"{where}: question is empty (write one, or drop the entry)"
        )
    return question


def _contexts(
    record: Mapping[str, Any], key: str, where: str, limit: int | None = None
) -> Docs:
    """Return the distinct docs of a list of contexts, of its first ``limit`` if given."""
    given = record.get(key)
    if not isinstance(given, list):
        raise effbench.EffbenchError(f"{where}: {key} is {kind_of(given)} (give a list)")
    docs: dict[str, effbench.Doc] = {}
    for place, context in enumerate(given[:limit]):
        doc = _doc(context, f"{where}: {key}[{place}]")
        docs.setdefault(doc.doc_id, doc)
    return docs


def _doc(context: object, what: str) -> effbench.Doc:
    if not isinstance(context, dict):
        raise effbench.EffbenchError(
            f"{what} is {kind_of(context)} (give an object with title and text)"
        )
    text = checked_text(context.get("text"), f"{what}: text")
    title = context.get("title")
    title = "" if title is None else checked_text(title, f"{what}: title")
    return effbench.Doc(_doc_id(context, title, text, what), text, title)


def _doc_id(context: Mapping[str, Any], title: str, text: str, what: str) -> str:
    """Return the id that a context gives, or one that its text makes."""
    for key in ("passage_id", "psg_id"):  # NQ's name, and that of DPR's own outputs
        given = context.get(key)
        if isinstance(given, int) and not isinstance(given, bool):
            return str(given)
        if given is not None and given != "":
            return checked_id(given, f"{what}: {key}")
    return hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()[:16]
