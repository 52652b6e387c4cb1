"""The inputs there are: what options that name rows or data become when a suite is planned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from effbench.api.encoders import ModelId, ScoredDoc
from effbench.api.training import (
    DomainModels,
    EncodedTexts,
    Examples,
    SearchedDataset,
    TrainedModel,
)
from effbench.steps.data import qrels_of
from effbench.steps.domains import EncodeDomain, read_domain
from effbench.steps.encode import EncodeCorpus, EncodeTexts
from effbench.steps.examples import GatherExamples
from effbench.steps.search import RUN, SearchIndex, SearchRetriever
from effbench.steps.shards import DiskVectors, read_rows
from effbench.steps.texts import read_texts
from effbench.steps.train import MODEL, Train
from effbench.store.examples import read_examples
from effbench.store.trec import stream_trec
from effbench.work.step import Step

if TYPE_CHECKING:
    from effbench.api.encoders import Vectors
    from effbench.work.workbench import Workbench


@dataclass(frozen=True)
class TextsInput:
    """An `EncodedTexts` to be."""

    step: EncodeTexts

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps whose artifacts it opens."""
        return (self.step,)

    def open(self, bench: Workbench) -> EncodedTexts:
        """Return the texts with their vectors, both read from disk as needed."""
        vectors = DiskVectors(bench.artifact(self.step).folder)
        return EncodedTexts(read_texts(self.step.texts, bench), vectors, self.step.row.name)


@dataclass(frozen=True)
class ExamplesInput:
    """An `Examples` to be, with the vectors of each corpus in it when they are asked for."""

    step: GatherExamples
    corpora: tuple[EncodeCorpus, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps whose artifacts it opens."""
        return (self.step, *self.corpora)

    def open(self, bench: Workbench) -> Examples:
        """Return the examples, whose docs and vectors are read from disk as needed."""
        found = read_examples(bench.artifact(self.step).folder)
        places = found.docs.places[:, 1:]
        tasks = [int(places[one[0], 0]) for one in found.positives]
        if not self.corpora:
            return Examples(*found, None, None, tasks)
        sources = [DiskVectors(bench.artifact(one).folder) for one in self.corpora]

        def vectors(positions: Sequence[int]) -> Vectors:
            return read_rows(sources, places[positions])

        return Examples(*found, vectors, self.corpora[0].row.name, tasks)


@dataclass(frozen=True)
class SearchInput:
    """A `SearchedDataset` to be."""

    step: SearchIndex | SearchRetriever

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps whose artifacts it opens."""
        return (self.step,)

    def open(self, bench: Workbench) -> SearchedDataset:
        """Return the hits, read from disk each time they are asked for, and the judgments."""
        path = bench.artifact(self.step).folder / RUN
        return SearchedDataset(_Hits(path), qrels_of(self.step.data, bench))


@dataclass(frozen=True)
class _Hits:
    path: Path

    def __iter__(self) -> Iterator[tuple[str, list[ScoredDoc]]]:
        return stream_trec(self.path)


@dataclass(frozen=True)
class ModelInput:
    """A `TrainedModel` to be."""

    step: Train

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps whose artifacts it opens."""
        return (self.step,)

    def open(self, bench: Workbench) -> TrainedModel:
        """Return the folder of the trained model."""
        return TrainedModel(self.step.row.name, bench.artifact(self.step).folder / MODEL)


@dataclass(frozen=True)
class FolderInput:
    """The `ModelId` of a trained model to be, for options that take any model."""

    model: ModelInput

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps whose artifacts it opens."""
        return self.model.steps

    def open(self, bench: Workbench) -> ModelId:
        """Return the folder of the trained model."""
        return ModelId(str(self.model.open(bench).folder))


@dataclass(frozen=True)
class DomainsInput:
    """A `DomainModels` to be."""

    target: EncodeDomain
    sources: tuple[tuple[EncodeDomain, Train], ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps whose artifacts it opens."""
        return (self.target, *(step for pair in self.sources for step in pair))

    def open(self, bench: Workbench) -> DomainModels:
        """Return features of all, and the folders of the sources' models."""
        sources = [
            read_domain(domain, ModelInput(train).open(bench), bench)
            for domain, train in self.sources
        ]
        return DomainModels(read_domain(self.target, None, bench), sources)
