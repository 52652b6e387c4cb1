"""References: values of options that name rows or data, as datasets or inputs of steps.

The annotations in `effbench.api.training` and `effbench.api.live` say which forms these values
have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from effbench.api.encoders import Dataset, Encoder, ModelId
from effbench.api.errors import EffbenchError
from effbench.api.live import EncodedCorpus, Searcher
from effbench.api.training import (
    DomainModels,
    EncodedTexts,
    Examples,
    SearchedDataset,
    TrainedModel,
)
from effbench.plan import live
from effbench.plan.forms import check_count, listed, parts
from effbench.plan.scope import Scope
from effbench.plan.text_sources import refuse_ids, sources_of, weights_of
from effbench.plan.vectors import refuse_unfit
from effbench.steps import opened
from effbench.steps.data import Data
from effbench.steps.domains import EncodeDomain
from effbench.steps.encode import EncodeCorpus
from effbench.steps.encode_texts import EncodeTexts
from effbench.steps.examples import Docpairs, GatherExamples, Judgments
from effbench.steps.index import BuildRetriever
from effbench.steps.search import Search, SearchRetriever, index_search
from effbench.steps.texts import Texts
from effbench.work.datasets import DatasetRow, trainable
from effbench.work.options import Input
from effbench.work.rows import Row

TARGET, OTHERS = "target", "others"


def refer(scope: Scope, annotation: Any, value: Any) -> Input | DatasetRow:
    """Return the dataset or the input that a value of an option names in a scope.

    Raises:
        EffbenchError: the value has not the form of the option's annotation, or it names a row
            or a dataset that does not exist.

    """
    return _READERS[annotation](scope, value)


def _dataset(scope: Scope, value: Any) -> DatasetRow:
    if value == TARGET:
        return scope.needed_target()
    if isinstance(value, str):
        return scope.dataset("ir_datasets", {"id": value})
    if isinstance(value, dict) and isinstance(value.get("use"), str):
        options = {name: option for name, option in value.items() if name != "use"}
        return scope.dataset(value["use"], options)
    raise EffbenchError(
        f"{value!r} is no dataset (give an ir_datasets id, {{use: ...}} or target)"
    )


def _datasets(scope: Scope, value: Any) -> list[DatasetRow]:
    """Return the datasets of a value: a dataset, a list of datasets, or ``others``."""
    if value == OTHERS:
        return scope.unrelated_datasets()
    return [_dataset(scope, item) for item in listed(value)]


def _trained_model(scope: Scope, name: Any) -> Input:
    train = scope.training(name)
    return Input((train,), partial(opened.trained_model, train))


def _model_id(scope: Scope, value: Any) -> Input:
    train = scope.training(parts(value, "{trained: ROW}", "trained")["trained"])
    return Input((train,), partial(opened.model_id, train))


def _encoded_texts(scope: Scope, value: Any) -> Input:
    given = parts(value, "{texts: [...], encoder: ROW}", "texts", "encoder")
    encoder = scope.row("encoders", given["encoder"])
    datasets = partial(_datasets, scope)
    items = listed(given["texts"])
    sources = [source for item in items for source in sources_of(scope, item, datasets)]
    refuse_ids(sources, encoder.passages or encoder)
    steps = tuple(EncodeTexts(encoder, Texts(source)) for source in sources)
    opening = partial(opened.encoded_texts, steps)
    return Input(steps, opening, settings=weights_of(sources), vectors=(encoder,))


def _examples(scope: Scope, value: Any) -> Input:
    given = parts(value, "{examples: [...]}", "examples", passages=None)
    items = listed(given["examples"])
    sources = tuple(source for item in items for source in _judgments(scope, item))
    if not sources:
        raise EffbenchError(
            "examples: 'others' names no dataset (give the suite a second dataset)"
        )
    step = GatherExamples(sources)
    corpora: list[EncodeCorpus] = []
    rows: tuple[Row, ...] = ()
    if given["passages"] is not None:
        rows = (scope.row("encoders", given["passages"]),)
        corpora = [EncodeCorpus(rows[0].passages or rows[0], corpus) for corpus in step.corpora]
    return Input((step, *corpora), partial(opened.examples, step, corpora), vectors=rows)


def _judgments(scope: Scope, value: Any) -> list[Judgments | Docpairs]:
    """Return the sources of examples that an item of the list ``examples`` names."""
    given = dict(value) if isinstance(value, dict) else {}
    if set(given) == {"docpairs"}:
        return [Docpairs(dataset) for dataset in _datasets(scope, given["docpairs"])]
    first, negatives = given.pop("first", None), given.pop("negatives", None)
    if set(given) not in ({"judgments"}, {"training"}):
        raise EffbenchError(
            f"{value!r} is not {{judgments: DATASET, negatives: ROW, first: N}}, the same "
            "with training, or {docpairs: DATASET}"
        )
    if first is not None:
        check_count(first, "first", "judgments")
    miner = None if negatives is None else scope.training(negatives)
    ((word, data),) = given.items()
    datasets = _datasets(scope, data)
    if word == "judgments":
        return [Judgments(Data(dataset), miner, first) for dataset in datasets]
    return [
        Judgments(Data(split), miner, first if is_train else None)
        for dataset in datasets
        for split, is_train in trainable(dataset)
    ]


def _searched_dataset(scope: Scope, value: Any) -> Input:
    form = "{dataset: DATASET, row: ROW, index: ROW, depth: N}"
    given = parts(value, form, "dataset", "row", "depth", index=None)
    data, depth = Data(_dataset(scope, given["dataset"])), given["depth"]
    check_count(depth, "depth", "hits")
    step: Search
    if given["index"] is None:
        retriever = scope.row("retrievers", given["row"])
        step = SearchRetriever(BuildRetriever(retriever, data.row), data, depth)
    else:
        encoder, index = (
            scope.row("encoders", given["row"]),
            scope.row("indexes", given["index"]),
        )
        refuse_unfit(encoder, index)
        step = index_search(data, encoder, index, depth)
    return Input((step,), partial(opened.searched_dataset, step))


def _domain_models(scope: Scope, value: Any) -> Input:
    form = "{models: ROW, of: DATASETS, features: ROW, first: N}"
    given = parts(value, form, "models", "of", "features", first=100)
    target, first = scope.needed_target(), given["first"]
    check_count(first, "first", "texts")
    encoder = scope.row("encoders", given["features"])
    datasets = sorted(_datasets(scope, given["of"]), key=lambda dataset: dataset.name)
    if not datasets:
        raise EffbenchError(
            "of: there is no dataset of another collection to transfer from (name one)"
        )
    for dataset in datasets:
        if dataset.corpora & target.corpora:
            raise EffbenchError(
                f"of: {dataset.name} is of the target's own collection (leave it out)"
            )
    trainings = [scope.of(dataset).training(given["models"]) for dataset in datasets]
    features = [EncodeDomain(encoder, Data(row), first) for row in (target, *datasets)]
    sources = list(zip(features[1:], trainings, strict=True))
    steps = (features[0], *(step for source in sources for step in source))
    opening = partial(opened.domain_models, features[0], sources)
    return Input(steps, opening, vectors=(encoder,))


_READERS: Mapping[Any, Callable[[Scope, Any], Input | DatasetRow]] = {
    Dataset: _dataset,
    DomainModels: _domain_models,
    EncodedCorpus: live.encoded_corpus,
    EncodedTexts: _encoded_texts,
    Encoder: live.encoder,
    Examples: _examples,
    ModelId: _model_id,
    SearchedDataset: _searched_dataset,
    Searcher: live.searcher,
    TrainedModel: _trained_model,
}
"""Annotation of an option -> the function that reads its values."""
