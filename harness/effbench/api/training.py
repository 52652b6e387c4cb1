"""What a trainer gets for its options, and what it implements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from effbench.api.encoders import Doc, Qrel, ScoredDoc, Vectors, VectorSource


ABOUT = "about.json"
"""A file that a trainer may put into its model's folder: a JSON object of facts about it.

They go into the record of every cell whose row uses the model; ``effbench show`` shows them.
``remarks`` among them, a list of sentences, are what one should know before one trusts the
model, such as that its loss did not fall: leaderboards show them beside the row.
"""


class EncodedTexts(NamedTuple):
    """An option ``{texts: [SOURCE, ...], encoder: ROW}``: texts with that row's query vectors.

    The harness gathers the texts and encodes them once for all who ask for the same. A
    source is ``{file: PATH, column: NAME}`` or one of ``{queries: DATASET}``, ``{titles:
    DATASET}``, ``{sentences: DATASET}``; ``draw: N`` takes the N texts of smallest hash.
    """

    texts: Sequence[str]
    vectors: VectorSource
    encoder: str


class Examples(NamedTuple):
    """An option ``{examples: [SOURCE, ...]}``: queries, each with good and bad docs.

    A source is ``{judgments: DATASET}`` (relevance 1 and above is good), the same with
    ``negatives: ROW`` (a row of ``models`` that mined docpairs: their second docs are bad),
    ``{training: DATASET}`` (the judgments of what one may train on: its train split; where
    there is none its dev and test splits), or ``{docpairs: DATASET}`` (pairs of the dataset's
    own). ``first: N`` takes the first N judgments only. With ``passages: ROW`` beside the
    list, each doc comes with that encoder row's vector: those of the whole corpus, which are
    made once for all. Only queries with a good doc are in; nothing is held in memory but ids.
    """

    queries: Sequence[str]
    positives: Sequence[Sequence[int]]
    """Positions in ``docs``; at least one a query."""

    negatives: Sequence[Sequence[int]]
    """Positions in ``docs``; none is judged relevant to the query."""

    docs: Sequence[Doc]
    vectors: Callable[[Sequence[int]], Vectors] | None
    """Positions in ``docs`` -> float32 [n, d]."""

    passages: str | None
    """The name of the row that the vectors are of."""

    tasks: Sequence[int]
    """Each query's collection, counted from 0: queries of one number search the same docs."""


class SearchedDataset(NamedTuple):
    """An option ``{dataset: DATASET, row: ROW, index: ROW, depth: N}``: hits to mine from.

    ``row`` is an encoder, searched through ``index``, or a retriever, without. The search is
    a step like those of cells, and shared with them.
    """

    hits: Iterable[tuple[str, list[ScoredDoc]]]
    """Each judged query's hits, best first; may be read several times, none is kept."""

    qrels: Sequence[Qrel]


class TrainedModel(NamedTuple):
    """An option that names a row of ``models``: what its trainer wrote."""

    name: str
    folder: Path


class Domain(NamedTuple):
    """A dataset with features, and perhaps a model that was trained for it."""

    name: str
    passages: Vectors
    """float32 [n, d], of its first docs."""

    queries: Vectors
    """float32 [m, d], of its first queries."""

    model: TrainedModel | None


class DomainModels(NamedTuple):
    """An option ``{models: ROW, of: DATASETS, features: ROW}``: one model for each of them.

    ``models`` is a row whose data is ``target``, so that each dataset has its own;
    ``of: others`` means all datasets of the suite but those of the target's collection.
    ``features`` is an encoder row, which encodes the ``first`` docs and queries (100 each).
    """

    target: Domain
    """The dataset that a model is wanted for; it comes without one."""

    sources: Sequence[Domain]


class Trainer(Protocol):
    """Makes a model: a folder that an encoder row (or another trainer) loads.

    What it trains on are options of its factory; they come opened. Options, inputs and
    seed decide the model.
    """

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the model into ``output_dir``; take up the checkpoints of a killed attempt."""
