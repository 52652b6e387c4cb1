"""Opens artifacts of steps as the objects that factories get for options."""

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
from effbench.steps.encode import EncodeCorpus
from effbench.steps.encode_texts import EncodeTexts
from effbench.steps.examples import GatherExamples
from effbench.steps.mixtures import MixedTexts, MixedVectors, places_of
from effbench.steps.search import RUN, Search
from effbench.steps.shards import DiskVectors, read_rows
from effbench.steps.texts import read_texts
from effbench.steps.train import MODEL, Train
from effbench.store.examples import read_examples
from effbench.store.trec import stream_trec
from effbench.work.step import Bench

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from effbench.api.encoders import Vectors


def encoded_texts(steps: Sequence[EncodeTexts], bench: Bench) -> EncodedTexts:
    """Return texts with their vectors, float32 [n, d]; both are read as needed.

    ``steps`` has the encoding of each source of the mixture, one or more.
    """
    import numpy as np

    name = steps[0].row.name
    parts = [read_texts(step.texts, bench) for step in steps]
    vectors = [DiskVectors(bench.artifact(step).folder) for step in steps]
    if len(steps) == 1:
        sources = np.zeros(len(parts[0]), dtype=np.int64)
        return EncodedTexts(parts[0], vectors[0], name, _weights(steps, sources))
    places = places_of(parts)
    texts, mixed = MixedTexts(parts, places), MixedVectors(vectors, places)
    return EncodedTexts(texts, mixed, name, _weights(steps, places[:, 0]))


def _weights(
    steps: Sequence[EncodeTexts], sources: NDArray[np.int64]
) -> NDArray[np.float32] | None:
    """Return the weight of each text, float32 [n]; None where all are 1.

    ``sources`` [n] says from which of the steps each text is.
    """
    import numpy as np

    weights = np.array([step.texts.source.use.weight for step in steps], dtype=np.float32)
    return None if np.all(weights == 1) else weights[sources]


def examples(step: GatherExamples, corpora: Sequence[EncodeCorpus], bench: Bench) -> Examples:
    """Return examples, whose docs are read from disk as needed.

    ``corpora`` is empty, or has the encoding of each corpus of the step. Then the examples have
    the vectors of their docs too, which are also read as needed.
    """
    gathered = read_examples(bench.artifact(step).folder)
    places = gathered.docs.places[:, 1:]
    tasks = [int(places[positive[0], 0]) for positive in gathered.positives]
    if not corpora:
        return Examples(*gathered, None, None, tasks)
    sources = [DiskVectors(bench.artifact(corpus).folder) for corpus in corpora]

    def vectors(positions: Sequence[int]) -> Vectors:
        found: Vectors = read_rows(sources, places[positions])
        return found

    return Examples(*gathered, vectors, corpora[0].row.name, tasks)


def searched_dataset(step: Search, bench: Bench) -> SearchedDataset:
    """Return the judgments, and the hits, which are read from disk in each pass over them."""
    path = bench.artifact(step).folder / RUN
    return SearchedDataset(_Hits(path), qrels_of(step.data, bench))


@dataclass(frozen=True)
class _Hits:
    path: Path

    def __iter__(self) -> Iterator[tuple[str, list[ScoredDoc]]]:
        return stream_trec(self.path)


def trained_model(step: Train, bench: Bench) -> TrainedModel:
    """Return the name and the folder of a trained model."""
    return TrainedModel(step.row.name, bench.artifact(step).folder / MODEL)


def model_id(step: Train, bench: Bench) -> ModelId:
    """Return the folder of a trained model, for options that take any model."""
    return ModelId(str(trained_model(step, bench).folder))


def domain_models(
    target: EncodeDomain, sources: Sequence[tuple[EncodeDomain, Train]], bench: Bench
) -> DomainModels:
    """Return the features of all domains, and the folders of the sources' models."""
    domains = [
        read_domain(domain, trained_model(train, bench), bench) for domain, train in sources
    ]
    return DomainModels(read_domain(target, None, bench), domains)
