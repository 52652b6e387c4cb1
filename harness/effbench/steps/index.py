"""The index steps: build an index of vectors, or let a retriever index the docs."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from time import perf_counter
from typing import IO, TYPE_CHECKING, Any

from effbench.api.encoders import Doc, Saved
from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed_for_all
from effbench.steps.built import nbytes_of, refuse_links, refuse_unfit
from effbench.steps.data import docs_of, passing_docs
from effbench.steps.encode import EncodeCorpus
from effbench.steps.shards import DiskVectors
from effbench.store.disk import on_disk
from effbench.work.datasets import DatasetRow
from effbench.work.effort import SHORTEST_ID, Work
from effbench.work.rows import Row
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact


SAVED = "saved"
"""The folder of what an index or a retriever has saved."""

DOC_IDS = "doc_ids.txt"
"""The file of the ids of a retriever's corpus, one on each line."""


@dataclass(frozen=True)
class BuildIndex:
    """Build an index of a corpus's vectors, and time it; save it if its class can."""

    row: Row
    corpus: EncodeCorpus
    kind = "index"

    @property
    def label(self) -> str:
        return f"index {self.row.name} of {self.corpus.row.name} on {self.corpus.dataset.name}"

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"row": self.row.query_facts}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.corpus, *self.row.steps)

    @property
    def offers(self) -> tuple[Offer, ...]:
        return self.row.offers

    def work(self, known: Known) -> Work:
        count, width = self.corpus.work(known).amount, known.width(self.corpus.row)
        like = ["index vectors", self.row.pace(known.device), width]
        return Work("vectors", count, like)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        folder = bench.artifact(self.corpus).folder
        index = self.row.make(bench)
        refuse_unfit(index, self.row, "build", "search")
        count = len(DiskVectors(folder))
        with bench.progress.work(self.label, count, "vectors") as work:
            vectors = DiskVectors(folder, work.reach)  # blocks before are in the index by then
            start = perf_counter()
            with blamed_for_all(self.row.who):
                index.build(vectors)
            seconds = perf_counter() - start
            work.reach(count)
        return _keep(index, self.row, artifact, seconds)

    def open(self, bench: Bench) -> Any:
        """Return the index: loaded if it was saved, or else built again from the vectors."""
        vectors = DiskVectors(bench.artifact(self.corpus).folder)
        index = self.row.make(bench)
        with blamed_for_all(self.row.who):
            if not isinstance(index, Saved):
                index.build(vectors)
                return index
        _load(index, self, bench, vectors)
        return index


@dataclass(frozen=True)
class BuildRetriever:
    """Let a retriever index a corpus, and time it; save it if its class can."""

    row: Row
    dataset: DatasetRow
    kind = "retriever"

    @property
    def label(self) -> str:
        return f"index {self.row.name} on {self.dataset.name}"

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"row": self.row.corpus_facts, "corpus": self.dataset.corpus_key}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return self.row.steps

    @property
    def offers(self) -> tuple[Offer, ...]:
        return (*self.row.offers, self.dataset.offer)

    def work(self, known: Known) -> Work:
        docs = known.count(self, "docs")
        docs = known.docs(self.dataset) if docs is None else docs
        like = ["index docs", self.row.pace(known.device)]
        return Work("docs", docs, like, least=(docs or 0) * SHORTEST_ID, more=True)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        retriever = self.row.make(bench)
        refuse_unfit(retriever, self.row, "index", "search")
        seconds = 0.0
        with passing_docs(self.label, [self.dataset], bench) as advance:

            def index(path: Path) -> None:
                nonlocal seconds
                with path.open("w", encoding="utf-8") as ids:
                    docs = _DocsToIndex(_noting_ids(docs_of(self.dataset), ids, advance))
                    start = perf_counter()
                    with docs, blamed_for_all(self.row.who), on_disk(path, only_full=True):
                        retriever.index(iter(docs))
                    seconds = perf_counter() - start

            artifact.put(DOC_IDS, index)
        with (artifact.folder / DOC_IDS).open(encoding="utf-8") as ids:
            docs = sum(1 for _ in ids)
        return {**_keep(retriever, self.row, artifact, seconds), "docs": docs}

    def doc_ids(self, bench: Bench) -> Iterator[str]:
        """Yield the ids of the corpus."""
        with (bench.artifact(self).folder / DOC_IDS).open(encoding="utf-8") as ids:
            yield from (line.rstrip("\n") for line in ids)

    def open(self, bench: Bench) -> Any:
        """Return the retriever: loaded if it was saved, or else made again from the docs."""
        retriever = self.row.make(bench)
        docs = _DocsToIndex(self._docs_again(bench))
        with blamed_for_all(self.row.who):
            saved = isinstance(retriever, Saved)
        if saved:
            _load(retriever, self, bench, None)
            return retriever
        with docs, blamed_for_all(self.row.who):
            retriever.index(iter(docs))
        return retriever

    def _docs_again(self, bench: Bench) -> Iterator[Doc]:
        """Yield the docs again; refuse a dataset whose docs have changed."""
        docs, ids = docs_of(self.dataset), self.doc_ids(bench)
        for doc, doc_id in zip_longest(docs, ids):
            if doc is None or doc.doc_id != doc_id:
                raise EffbenchError(
                    f"{self.dataset.who}: its docs are others than when they were read before "
                    "(docs gives the same ones in the same order each time)"
                )
            yield doc


class _DocsToIndex:
    """Docs that a retriever reads; an error in reading them is not a mistake of the retriever.

    A retriever may stop before the last doc. The remaining docs are then read all the same, so
    that the checks of the docs run for every retriever.
    """

    def __init__(self, docs: Iterator[Doc]) -> None:
        self._docs = docs
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[Doc]:
        try:
            for doc in self._docs:  # noqa: UP028 - `yield from` would also close the docs
                yield doc
        except Exception as error:
            self._error = error
            raise

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, raised: BaseException | None, trace: object) -> None:
        """Raise the error of reading the docs, even if the retriever has caught it."""
        if raised is None:
            deque(self, maxlen=0)
        error, self._error = self._error, None  # its frames would keep the retriever in memory
        if error is not None:
            raise error


def _noting_ids(
    docs: Iterator[Doc], ids: IO[str], advance: Callable[[int], None]
) -> Iterator[Doc]:
    """Yield docs, and write their ids to a file."""
    for doc in docs:
        ids.write(f"{doc.doc_id}\n")
        advance(1)
        yield doc


def _load(
    built: Any,
    step: BuildIndex | BuildRetriever,
    bench: Bench,
    vectors: DiskVectors | None,
) -> None:
    """Let an index or a retriever load what it saved; if it cannot, discard the artifact.

    The next run then builds it again. A plugin's author who has mended ``save`` would otherwise
    get the files that the old ``save`` wrote.
    """
    artifact = bench.artifact(step)
    try:
        with blamed_for_all(step.row.who):
            built.load(artifact.folder / SAVED, vectors)
        if not artifact.finished():
            bench.distrust()  # it may have removed other artifacts too
            raise EffbenchError(
                f"{step.row.who}: load has removed what was saved (only read it)"
            )
    except EffbenchError:
        if not bench.trusting:  # a latency worker changes nothing in the cache
            with contextlib.suppress(OSError):  # the cache is read-only
                artifact.discard()
        raise


def _keep(built: Any, row: Row, artifact: Artifact, seconds: float) -> dict[str, Any]:
    def save(folder: Path) -> None:
        with blamed_for_all(row.who), on_disk(artifact.folder / SAVED, only_full=True):
            built.save(folder)
        refuse_links(folder, row)

    with blamed_for_all(row.who):
        saved, nbytes = isinstance(built, Saved), nbytes_of(built, row)
    if saved:
        artifact.put_folder(SAVED, save)
    return {"seconds": seconds, "nbytes": nbytes}
