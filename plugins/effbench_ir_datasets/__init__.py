"""The plugin of ir_datasets: all its datasets that have docs, queries and judgments.

https://ir-datasets.com lists them. ir_datasets downloads data into a folder of its own
(``~/.ir_datasets`` or ``$IR_DATASETS_HOME``) when the data is first read.
"""

from __future__ import annotations

import difflib
import logging
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter, methodcaller
from typing import Any

import effbench

PARTS = ("docs", "queries", "qrels")
SPLITS = ("train", "dev", "test")
NO_DATA = (  # the errors that ir_datasets raises when it cannot fetch, unpack or parse data
    OSError,  # network, disk, checksum; or a file that the user must get is missing
    ValueError,  # the disk is too full, or a file is not UTF-8
    RuntimeError,  # all mirrors failed
    ImportError,  # the format needs another package
    LookupError,  # an archive lacks the file
    EOFError,
    zipfile.BadZipFile,
)


class IrDatasets:
    """A dataset of ir_datasets, such as ``beir/scifact/test``.

    By default, ``drop_self_hits`` is True for the datasets of BEIR, since BEIR's evaluation
    drops every hit that has the query's id. It is False for all other datasets, and for
    BEIR's MS MARCO, whose query ids and doc ids are numbers that are equal by accident.

    Raises:
        EffbenchError: the id is unknown, or has no docs, queries or judgments; or, while
            reading, the data cannot be downloaded or parsed.

    """

    def __init__(self, id: str, *, drop_self_hits: bool | None = None) -> None:
        with _ir_datasets_calls(id):
            import ir_datasets

            try:
                self._dataset = ir_datasets.load(id)
            except KeyError:
                raise _unknown(id, list(ir_datasets.registry)) from None
            missing = [part for part in PARTS if not self._dataset.has(part)]
            if missing:
                raise _incomplete(id, missing, list(ir_datasets.registry))
            self._corpus = ir_datasets.docs_parent_id(id)
            docs_cls = self._dataset.docs_cls()
            self._has_titles = {"title", "text"}.issubset(docs_cls._fields)
            self._doc_text = _text_getter(id, docs_cls)
            self._query_text = _text_getter(id, self._dataset.queries_cls())
        self.dataset_id = id
        self.corpus_key = f"ir_datasets:{self._corpus}"
        self.key = f"ir_datasets:{id}"
        if drop_self_hits is None:
            drop_self_hits = id.startswith("beir/") and not id.startswith("beir/msmarco")
        self.drop_self_hits = drop_self_hits

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits among ``train``, ``dev`` and ``test`` that are siblings of this id.

        They are empty if this id does not end in the name of a split.
        """
        prefix, _, last = self.dataset_id.rpartition("/")
        if last not in SPLITS:
            return ()
        with _ir_datasets_calls(self.dataset_id):
            return tuple(each for each in SPLITS if _is_split(f"{prefix}/{each}", self._corpus))

    def split(self, name: str) -> IrDatasets:
        """Return the same docs with the queries and judgments of the split ``name``.

        Raises:
            EffbenchError: there is no such split.

        """
        splits = self.splits
        if name not in splits:
            has = ", ".join(splits) or "none: its id is no split"
            raise effbench.EffbenchError(
                f"ir_datasets: {self.dataset_id!r} has no split {name!r} (it has: {has})"
            )
        prefix = self.dataset_id.rpartition("/")[0]
        return IrDatasets(f"{prefix}/{name}", drop_self_hits=self.drop_self_hits)

    def docs_count(self) -> int | None:
        """Return the number of docs in ir_datasets' table, or None if it has none."""
        count: int | None = self._dataset.docs_metadata().get("count")
        return count

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield all docs in the order of their source."""
        with _ir_datasets_calls(self.dataset_id):
            for doc in self._source_docs():
                title = (doc.title or "") if self._has_titles else ""
                yield effbench.Doc(doc.doc_id, self._doc_text(doc), title)

    def _source_docs(self) -> Iterator[Any]:
        # BEIR's docs_iter would copy the corpus into a store, and unpickle it from the store.
        if self.dataset_id.startswith(("beir/", "nano-beir/")):
            return iter(self._dataset.docs_store().init_iter_fn())
        return iter(self._dataset.docs_iter())

    def queries(self) -> Iterator[effbench.Query]:
        """Yield all queries; the text of a TREC topic is its title."""
        with _ir_datasets_calls(self.dataset_id):
            for query in self._dataset.queries_iter():
                yield effbench.Query(query.query_id, self._query_text(query))

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield all judgments."""
        with _ir_datasets_calls(self.dataset_id):
            for qrel in self._dataset.qrels_iter():
                yield effbench.Qrel(qrel.query_id, qrel.doc_id, qrel.relevance)

    def docpairs(self) -> Iterator[effbench.DocPair]:
        """Yield all training pairs.

        Raises:
            EffbenchError: the id has none.

        """
        if not self._dataset.has("docpairs"):
            raise effbench.EffbenchError(
                f"ir_datasets: {self.dataset_id!r} has no docpairs "
                "(take another, such as msmarco-passage/train/triples-small)"
            )
        return self._docpairs()

    def _docpairs(self) -> Iterator[effbench.DocPair]:
        with _ir_datasets_calls(self.dataset_id):
            for pair in self._dataset.docpairs_iter():
                yield effbench.DocPair(pair.query_id, pair.doc_id_a, pair.doc_id_b)


class _Notes(logging.Filter):
    """A filter that keeps ir_datasets' log lines, and sends them to this module's logger."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the line, log it at level info here, and hide it from ir_datasets' handlers."""
        self.lines.append(" ".join(record.getMessage().split()))
        logging.getLogger(__name__).info("%s", self.lines[-1])
        return False


@contextmanager
def _ir_datasets_calls(id: str) -> Iterator[None]:
    """Hide ir_datasets' log in the block, and turn its errors into one line.

    Raises:
        EffbenchError: ir_datasets could not get the data.

    """
    logger = logging.getLogger("ir_datasets")
    notes = _Notes()
    logger.addFilter(notes)
    try:
        yield
    except NO_DATA as error:
        raise effbench.EffbenchError(
            f"ir_datasets {id}: no data: {_reason(error)} ({_mend(notes.lines)})"
        ) from error
    finally:
        logger.removeFilter(notes)


def _reason(error: Exception) -> str:
    name = type(error).__name__
    request = getattr(error, "request", None)  # the exceptions of requests have it
    if request is not None:
        return f"{name} at {request.url}"
    return f"{name}: {textwrap.shorten(str(error), 160, placeholder=' ...')}"


def _mend(notes: list[str]) -> str:
    """Return how to mend it: ir_datasets logs where a file belongs before it downloads it."""
    hints = [note for note in notes if "link" in note or "place the" in note]
    return hints[-1] if hints else "connect to the internet, and make room on the disk"


def _unknown(id: str, known: list[str]) -> effbench.EffbenchError:
    close = difflib.get_close_matches(id, known)
    hint = f"did you mean {' or '.join(close)}?" if close else "https://ir-datasets.com has all"
    return effbench.EffbenchError(f"ir_datasets: there is no {id!r} ({hint})")


def _incomplete(id: str, missing: list[str], known: list[str]) -> effbench.EffbenchError:
    inside = [each for each in known if each.startswith(f"{id}/")]
    hint = f"take one inside: {', '.join(inside[:5])}" if inside else "take another"
    lacks = " and no ".join(missing)
    return effbench.EffbenchError(f"ir_datasets: {id!r} has no {lacks} ({hint})")


def _is_split(id: str, corpus: str) -> bool:
    """Return whether an id exists, has queries and judgments, and the docs of ``corpus``."""
    import ir_datasets

    # An id that the registry does not list may match a pattern; loading it would download.
    if id not in ir_datasets.registry:
        return False
    dataset = ir_datasets.load(id)
    # Some splits have different docs: trec-tot/2025/train and /test.
    return all(map(dataset.has, PARTS)) and ir_datasets.docs_parent_id(id) == corpus


def _text_getter(id: str, record: Any) -> Callable[[Any], str]:
    """Return a function that returns the text of a record of ir_datasets.

    It is the record's ``text``, or else its ``default_text()``.

    Raises:
        EffbenchError: the type ``record`` has neither.

    """
    if "text" in record._fields:
        return attrgetter("text")
    if hasattr(record, "default_text"):
        return methodcaller("default_text")
    raise effbench.EffbenchError(f"ir_datasets: {id!r} has no plain text (take another)")


@effbench.hookimpl
def effbench_datasets() -> dict[str, type[IrDatasets]]:
    """Offer ``ir_datasets``."""
    return {"ir_datasets": IrDatasets}
