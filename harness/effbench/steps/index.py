"""The index steps: vectors (or docs) into something that answers searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from effbench.api import Doc, Saved
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
            index.build(vectors)
            seconds = perf_counter() - start
            advance(len(vectors))
        return _keep(index, artifact, seconds)

    def open(self, bench: Workbench) -> Any:
        """Return the index, loaded from its artifact or built again from the vectors."""
        artifact = bench.artifact(self)
        vectors = DiskVectors(bench.artifact(self.corpus).folder)
        index = self.row.make(bench)
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
        count = self.dataset.dataset.docs_count()
        with bench.progress.work(self.label, count, "docs") as advance:

            def docs() -> Iterator[Doc]:
                for doc in docs_of(self.dataset):
                    advance(1)
                    yield doc

            start = perf_counter()
            retriever.index(docs())
            seconds = perf_counter() - start
        return _keep(retriever, artifact, seconds)

    def open(self, bench: Workbench) -> Any:
        """Return the system, loaded from its artifact or made again from the docs."""
        artifact = bench.artifact(self)
        retriever = self.row.make(bench)
        if isinstance(retriever, Saved):
            retriever.load(artifact.folder / _FOLDER, None)
        else:
            retriever.index(docs_of(self.dataset))
        return retriever


def _keep(built: Any, artifact: Artifact, seconds: float) -> dict[str, Any]:
    if isinstance(built, Saved):
        artifact.put_folder(_FOLDER, built.save)
    return {"seconds": seconds, "nbytes": int(built.nbytes)}
