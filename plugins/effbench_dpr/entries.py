"""The entries of a DPR file, checked: a question, its positives and its hard negatives."""

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
    """A question with at least one positive and one negative; no doc is both."""

    query: effbench.Query
    positives: Docs
    negatives: Docs


def read_entries(path: Path, hard_negatives: int) -> Iterator[Entry]:
    """Yield the entries with a positive and a hard negative; log how many are left out.

    The first ``hard_negatives`` of an entry's ``hard_negative_ctxs`` are read.
    ``negative_ctxs`` is not read.

    Raises:
        EffbenchError: with ``path:line``, for a malformed entry.

    """
    read = left_out = 0
    for where, record in read_objects(path):
        query = effbench.Query(f"q{read}", _question(record, where))
        positives = _contexts(record, "positive_ctxs", where)
        negatives = _contexts(record, "hard_negative_ctxs", where, hard_negatives)
        negatives = {key: doc for key, doc in negatives.items() if key not in positives}
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
    """Return the distinct docs of a list of contexts, or of its first ``limit`` contexts."""
    contexts = record.get(key)
    if not isinstance(contexts, list):
        raise effbench.EffbenchError(f"{where}: {key} is {kind_of(contexts)} (give a list)")
    docs: dict[str, effbench.Doc] = {}
    for place, context in enumerate(contexts[:limit]):
        doc = _doc(context, f"{where}: {key}[{place}]")
        docs.setdefault(doc.doc_id, doc)
    return docs


def _doc(context: object, where: str) -> effbench.Doc:
    if not isinstance(context, dict):
        raise effbench.EffbenchError(
            f"{where} is {kind_of(context)} (give an object with title and text)"
        )
    text = checked_text(context.get("text"), f"{where}: text")
    title = context.get("title")
    title = "" if title is None else checked_text(title, f"{where}: title")
    return effbench.Doc(_doc_id(context, title, text, where), text, title)


def _doc_id(context: Mapping[str, Any], title: str, text: str, where: str) -> str:
    """Return the id that a context has, or an id that is a hash of its title and text."""
    for key in ("passage_id", "psg_id"):  # NQ's files have the first, DPR's outputs the second
        doc_id = context.get(key)
        if isinstance(doc_id, int) and not isinstance(doc_id, bool):
            return str(doc_id)
        if doc_id is not None and doc_id != "":
            return checked_id(doc_id, f"{where}: {key}")
    return hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()[:16]
