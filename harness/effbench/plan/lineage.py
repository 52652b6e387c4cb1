"""The history of a trained row: the data that it saw, and the passages it was made for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from effbench.api.errors import EffbenchError
from effbench.steps.data import Data
from effbench.steps.domains import EncodeDomain
from effbench.steps.encode import EncodeCorpus
from effbench.steps.encode_texts import EncodeTexts
from effbench.steps.examples import GatherExamples, Judgments
from effbench.steps.index import BuildRetriever
from effbench.steps.search import SearchIndex, SearchRetriever
from effbench.steps.sources import DatasetSource
from effbench.steps.texts import Texts
from effbench.steps.train import Train
from effbench.work.datasets import DatasetRow
from effbench.work.rows import Row
from effbench.work.step import Step, all_steps


def seen(row: Row, dataset: DatasetRow, index: Row | None = None) -> list[str]:
    """Return the kinds of data that the row's training took from a dataset that measures it.

    The trainings are those of the row, of its passages, of the index that it is searched
    through, and of all rows that work inside these. ``corpus`` means text of its docs, the
    whole dataset, or a searcher or vectors of all its docs; ``queries`` and
    ``judgments`` are those of the dataset; ``other queries`` and ``other judgments`` come
    from another split of its corpus. Nobody knows the training data of a model from the hub,
    or of text files.
    """
    kinds = set()
    for step in _steps(row, index):
        for read, kind in _reads(step):
            if read.parts & dataset.parts:
                kinds.add(kind)
            elif read.corpora & dataset.corpora:
                kinds.add(kind if kind == "corpus" else f"other {kind}")
        if isinstance(step, Train) and dataset.corpus_key in _corpora_read(step):
            kinds.add("corpus")
    return sorted(kinds)


def other_judgments(
    row: Row, dataset: DatasetRow, index: Row | None = None
) -> Mapping[tuple[str, str], Data | DatasetRow]:
    """Return the sources of the ``other judgments`` of `seen`, by the keys of their datasets.

    They are data steps, and datasets whose docpairs the training took.
    """
    found: dict[tuple[str, str], Data | DatasetRow] = {}
    for step in _steps(row, index):
        for source in _judged(step):
            read = _row_of(source)
            if read.corpora & dataset.corpora and not read.parts & dataset.parts:
                found.setdefault((read.corpus_key, read.key), source)
    return found


def _steps(row: Row, index: Row | None) -> Iterable[Step]:
    """Return the steps of a row, of its passages and of the index, trainings included."""
    rows = (each for each in (row, row.passages, index) if each)
    return all_steps(tuple(step for each in rows for step in each.steps)).values()


def made_for(row: Row) -> Row | None:
    """Return the row whose passages a trained row was trained to find; None if unknown.

    A model that was trained with a passage encoder of its own finds those passages: then the
    result is the row of that model.
    """
    inputs = row.resolved.inputs.values()
    # a live row works beside the row's own model, and may have passages of its own
    steps = [step for opening in inputs if not opening.rows for step in opening.steps]
    for step in steps:
        if isinstance(step, EncodeTexts | EncodeCorpus):
            return step.row.passages or step.row
    if any(isinstance(step, GatherExamples) for step in steps):
        return row
    trained = (made_for(step.row) for step in steps if isinstance(step, Train))
    return next((passages for passages in trained if passages is not None), None)


def refuse_strangers(row: Row, passages: Row) -> None:
    """Refuse the passages of a row if a trained row was trained to find different ones.

    Raises:
        EffbenchError: it names both rows of passages.

    """
    wanted = made_for(row)
    if wanted is None or wanted.corpus_facts == passages.corpus_facts:
        return
    name = passages.name
    anyway = f"to search these anyway: passages: {{row: {name}, unchecked: true}}"
    if wanted.offer.section == "models":
        raise EffbenchError(
            f"the model {wanted.name!r} was trained without the vectors of a row, so it is "
            f"not known to find passages of {name!r} (say passages: {name} beside examples "
            f"there; {anyway})"
        )
    raise EffbenchError(
        f"the model was trained for passages of {wanted.name!r}, not of {name!r} ({anyway})"
    )


def _reads(step: Step) -> list[tuple[DatasetRow, str]]:
    """Return the datasets whose data a step takes for training, each with the kind of data."""
    if judged := _judged(step):
        return [(_row_of(source), "judgments") for source in judged]
    if isinstance(step, Train):
        return [(dataset, "corpus") for dataset in _searchable(step.row)]
    if isinstance(step, EncodeDomain):
        return [(step.data.row, "corpus"), (step.data.row, "queries")]
    if isinstance(step, Texts) and isinstance(step.source, DatasetSource):
        return [(step.source.row, "queries" if step.source.part == "queries" else "corpus")]
    return []


def _judged(step: Step) -> list[Data | DatasetRow]:
    """Return the data steps, and the datasets with docpairs, whose judgments a step takes."""
    if isinstance(step, GatherExamples):
        return [each.data if isinstance(each, Judgments) else each.row for each in step.sources]
    if isinstance(step, SearchIndex | SearchRetriever):  # of a `SearchedDataset`
        return [step.data]
    return []


def _row_of(source: Data | DatasetRow) -> DatasetRow:
    return source.row if isinstance(source, Data) else source


def _corpora_read(step: Train) -> set[str]:
    """Return the keys of the corpora of datasets that a trainer's options name."""
    return {corpus for corpus, _ in step.row.resolved.datasets}


def _searchable(trainer: Row) -> list[DatasetRow]:
    """Return the datasets whose docs a trainer's live rows find, or have vectors of."""
    live = (opening for opening in trainer.resolved.inputs.values() if opening.rows)
    corpora = (EncodeCorpus, BuildRetriever)
    steps = (step for opening in live for step in opening.steps)
    return [step.dataset for step in steps if isinstance(step, corpora)]
