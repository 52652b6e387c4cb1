"""The contract of a trainer, and what it gets for options that name data or rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from effbench.api.encoders import Doc, Qrel, ScoredDoc, Vectors, VectorSource


ABOUT = "about.json"
"""A file that a trainer may write into the model's folder: a JSON object of facts.

The record of every cell whose row uses the model holds these facts, and ``effbench show``
shows them. The fact ``remarks`` is a list of warnings, such as that the loss did not fall: a
leaderboard shows them beside the row.
"""


class EncodedTexts(NamedTuple):
    """The value of an option ``{texts: [SOURCE, ...], encoder: ROW}``: texts and vectors.

    The harness gathers the texts of each source and encodes them with ROW, once for all rows
    that name the source. A text that several sources have belongs to the first of them. A
    source is one of these:

    - ``{file: PATH, column: NAME}``: lines, or a column of a .csv, .tsv or .jsonl.
    - ``{queries: DATASET}``, ``{titles: DATASET}``, ``{sentences: DATASET}``.
    - ``{docs: DATASET}``: the title and the text of each doc, with a space between.
    - ``{spans: DATASET, least: 2, most: 12, each: 4}``: from each doc, 4 spans of 2 to 12
      words.
    - ``{keywords: DATASET, least: 2, most: 6, each: 4}``: from each doc, 4 queries of 2 to 6
      of its words, which are drawn by tf-idf.

    ``draw: N`` takes the N texts with the smallest hashes. ``side: passages`` encodes the texts
    of a source as docs without titles. ``weight: W`` is for the trainer: see ``weights``.
    """

    texts: Sequence[str]
    """The texts, the same in the same order for each training.

    They are read from disk when they are asked for; a slice of them is a list.
    """

    vectors: VectorSource
    """The vectors of the texts on disk, float32 [n, d]; row i belongs to text i."""

    encoder: str
    """The name of the encoder row that made the vectors."""

    weights: Vectors | None = None
    """How often each text is seen in an epoch, float32 [n]; None where all are seen once.

    A text of weight 2.5 is seen two or three times. A trainer without epochs counts the text so
    often, or refuses weights.
    """


class Examples(NamedTuple):
    """The value of an option ``{examples: [SOURCE, ...]}``: queries with good and bad docs.

    A source is one of these:

    - ``{judgments: DATASET}``: docs of relevance 1 and above are good.
    - ``{judgments: DATASET, negatives: ROW}``: ROW is a row of ``models`` that mined docpairs;
      the second doc of a docpair is bad.
    - ``{training: DATASET}``: the judgments of the train split, or of the dev and test splits
      where the dataset has no train split.
    - ``{docpairs: DATASET}``: the training pairs of the dataset itself.

    ``first: N`` takes only the first N judgments. With ``passages: ROW`` beside the list, each
    doc has a vector of that encoder row: the row encodes the whole corpus once for all users.
    Every query has at least one good doc. Only ids are held in memory.
    """

    queries: Sequence[str]
    """The texts of the queries."""

    positives: Sequence[Sequence[int]]
    """The good docs of each query, as positions in ``docs``; at least one for each query."""

    negatives: Sequence[Sequence[int]]
    """The bad docs of each query, as positions in ``docs``; none is judged relevant."""

    docs: Sequence[Doc]
    """The docs that the positions mean; each is read from disk when it is asked for."""

    vectors: Callable[[Sequence[int]], Vectors] | None
    """Vectors of n positions in ``docs``, float32 [n, d]; None without ``passages``."""

    passages: str | None
    """The name of the encoder row that made the vectors; None without ``passages``."""

    tasks: Sequence[int]
    """The number, from 0, of each query's corpus: equal numbers mean the same docs."""


class SearchedDataset(NamedTuple):
    """The value of an option ``{dataset: DATASET, row: ROW, index: ROW, depth: N}``: hits.

    A trainer mines negatives from the hits. ``row`` is an encoder with an ``index``, or a
    retriever without. Cells that search the same way share the search step.
    """

    hits: Iterable[tuple[str, list[ScoredDoc]]]
    """The hits of each judged query, best hit first.

    They can be read several times, and are read from disk each time.
    """

    qrels: Sequence[Qrel]
    """The judgments of these queries."""


class TrainedModel(NamedTuple):
    """The value of an option that names a row of ``models``: its trained model."""

    name: str
    """The name of the row."""

    folder: Path
    """What the trainer has written; it is only read."""


class Domain(NamedTuple):
    """A dataset as vectors of its docs and queries, with the model that was trained for it."""

    name: str
    """The dataset's name in tables."""

    passages: Vectors
    """The vectors of the first n docs, float32 [n, d]."""

    queries: Vectors
    """The vectors of the first m queries, float32 [m, d]."""

    model: TrainedModel | None
    """The model that was trained for the dataset; None for the target."""


class DomainModels(NamedTuple):
    """The value of an option ``{models: ROW, of: DATASETS, features: ROW}``: a model for each.

    ``models`` is a row that trains on ``target``, so it has one model for each dataset.
    ``of: others`` means all datasets of the suite, without those of the target's collection.
    ``features`` is an encoder row; it encodes the ``first`` docs and queries (100 of each
    when absent).
    """

    target: Domain
    """The dataset that needs a model; its ``model`` is None."""

    sources: Sequence[Domain]
    """The datasets that have a model."""


class Trainer(Protocol):
    """Makes a model: a folder that an encoder row or another trainer loads.

    The factory's options name the data to train on, and effbench passes the data itself
    (`Examples`, `EncodedTexts`, ...). The options, the data and the seed decide the model:
    nothing else may be a source of randomness. A run makes an object when the model is not in
    the cache, calls ``train`` once, and seals the folder: later only readers see it.
    """

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the model into ``output_dir``; go on from checkpoints of a killed attempt.

        ``seed`` is what the row says (``seed: 0`` when it says nothing); it is in the key.
        The folder is kept between attempts: write checkpoints into it, and remove them at the
        end. Call `effbench.tell_steps` after each step. A signal that ends the program is
        raised inside as a ``KeyboardInterrupt``: let it pass. The file `ABOUT` is optional.

        Raises:
            EffbenchError: an option makes no sense, or the loss is not a number.

        """
