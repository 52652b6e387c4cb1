"""The index steps: vectors (or docs) into something that answers searches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from time import perf_counter
from typing import IO, TYPE_CHECKING, Any

from effbench.api import Doc, Saved
from effbench.blame import blamed
from effbench.errors import EffbenchError
from effbench.files import on_disk
from effbench.rows import DatasetRow, Row
from effbench.steps import Step
from effbench.steps.data import docs_of
from effbench.steps.encode import EncodeCorpus
from effbench.vectors import DiskVectors

if TYPE_CHECKING:
    from effbench.plugins import Offer
    from effbench.store import Artifact
    from effbench.workbench import Workbench


_FOLDER = "saved"
DOC_IDS = "doc_ids.txt"
"""The ids of a retriever's corpus, one a line."""


@dataclass(frozen=True)
class BuildIndex:
    """Build an index over a corpus's vectors, timed; keep it if it can be kept."""

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
        return (self.corpus,)

    @property
    def offers(self) -> tuple[Offer, ...]:
        return (self.row.offer,)

    def make(self, artifact: Artifact, bench: Workbench) -> Mapping[str, Any]:
        vectors = DiskVectors(bench.artifact(self.corpus).folder)
        index = self.row.make(bench)
        with bench.progress.work(self.label, len(vectors), "vectors") as advance:
            start = perf_counter()
            with blamed(self.row.who):
                index.build(vectors)
            seconds = perf_counter() - start
            advance(len(vectors))
        return _keep(index, self.row, artifact, seconds)

    def open(self, bench: Workbench) -> Any:
        """Return the index, loaded from its artifact or built again from the vectors."""
        artifact = bench.artifact(self)
        vectors = DiskVectors(bench.artifact(self.corpus).folder)
        index = self.row.make(bench)
        with blamed(self.row.who):
            if isinstance(index, Saved):
                index.load(artifact.folder / _FOLDER, vectors)
            else:
                index.build(vectors)
        return index


@dataclass(frozen=True)
class BuildRetriever:
    """Let a whole system index a corpus, timed; keep it if it can be kept."""

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
        return ()

    @property
    def offers(self) -> tuple[Offer, ...]:
        return (self.row.offer, self.dataset.offer)

    def make(self, artifact: Artifact, bench: Workbench) -> Mapping[str, Any]:
        retriever = self.row.make(bench)
        count, seconds = self.dataset.docs_count(), 0.0
        with bench.progress.work(self.label, count, "docs") as advance:

            def index(path: Path) -> None:
                nonlocal seconds
                with path.open("w", encoding="utf-8") as ids:
                    docs = _Noted(docs_of(self.dataset), ids, advance)
                    start = perf_counter()
                    with blamed(self.row.who), on_disk(path, only_full=True):
                        retriever.index(iter(docs))
                    seconds = perf_counter() - start
                    docs.finish()

            artifact.put(DOC_IDS, index)
        return _keep(retriever, self.row, artifact, seconds)

    def doc_ids(self, bench: Workbench) -> Iterator[str]:
        """Yield the ids of the corpus."""
        with (bench.artifact(self).folder / DOC_IDS).open(encoding="utf-8") as ids:
            yield from (line.rstrip("\n") for line in ids)

    def open(self, bench: Workbench) -> Any:
        """Return the system, loaded from its artifact or made again from the docs."""
        artifact = bench.artifact(self)
        retriever = self.row.make(bench)
        with blamed(self.row.who):
            if isinstance(retriever, Saved):
                retriever.load(artifact.folder / _FOLDER, None)
            else:
                retriever.index(self._same_docs(bench))
        return retriever

    def _same_docs(self, bench: Workbench) -> Iterator[Doc]:
        """Yield the docs once more; refuse a dataset that gives others than before."""
        docs, ids = docs_of(self.dataset), self.doc_ids(bench)
        for doc, doc_id in zip_longest(docs, ids):
            if doc is None or doc.doc_id != doc_id:
                raise EffbenchError(
                    f"{self.dataset.who}: its docs are others than when they were read before "
                    "(docs gives the same ones in the same order each time)"
                )
            yield doc


class _Noted:
    """Docs on their way to a system: ids are written down, and what goes wrong is kept."""

    def __init__(
        self, docs: Iterator[Doc], ids: IO[str], advance: Callable[[int], None]
    ) -> None:
        self._docs, self._ids, self._advance = docs, ids, advance
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[Doc]:
        try:
            for doc in self._docs:
                self._ids.write(f"{doc.doc_id}\n")
                self._advance(1)
                yield doc
        except Exception as error:
            self._error = error
            raise

    def finish(self) -> None:
        """Note the docs that the system has left, and raise an error that it has swallowed."""
        deque(self, maxlen=0)
        if self._error:
            raise self._error


def _keep(built: Any, row: Row, artifact: Artifact, seconds: float) -> dict[str, Any]:
    def save(folder: Path) -> None:
        with blamed(row.who), on_disk(artifact.folder / _FOLDER, only_full=True):
            built.save(folder)

    if isinstance(built, Saved):
        artifact.put_folder(_FOLDER, save)
    with blamed(row.who):
        nbytes = int(built.nbytes)
    if nbytes < 0:
        raise EffbenchError(f"{row.who}: nbytes is {nbytes} (0 or more bytes are wanted)")
    return {"seconds": seconds, "nbytes": nbytes}
