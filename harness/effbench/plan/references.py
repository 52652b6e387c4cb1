"""What options that name rows or data refer to: values of a suite into inputs of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from effbench.api.encoders import Dataset, ModelId
from effbench.api.errors import EffbenchError
from effbench.api.training import (
    DomainModels,
    EncodedTexts,
    Examples,
    SearchedDataset,
    TrainedModel,
)
from effbench.plan.inputs import (
    DomainsInput,
    ExamplesInput,
    FolderInput,
    ModelInput,
    SearchInput,
    TextsInput,
)
from effbench.steps.data import Data
from effbench.steps.domains import EncodeDomain
from effbench.steps.encode import EncodeCorpus, EncodeQueries, EncodeTexts
from effbench.steps.examples import Docpairs, GatherExamples, Judgments
from effbench.steps.index import BuildIndex, BuildRetriever
from effbench.steps.search import SearchIndex, SearchRetriever
from effbench.steps.texts import PARTS, DatasetSource, FileSource, Source, Texts
from effbench.store.paths import inside
from effbench.work.options import Input, Resolver
from effbench.work.rows import DatasetRow, trainable

if TYPE_CHECKING:
    from effbench.plan.finder import Finder

TARGET, OTHERS = "target", "others"
NO_TARGET = "'target' and 'others' mean datasets of a cell; there is none here"


class Domains(Protocol):
    """The datasets of a suite, and what its rows are for each of them."""

    def others(self, target: DatasetRow) -> Sequence[DatasetRow]:
        """Return the datasets whose docs are of other collections than the target's."""

    def finder(self, target: DatasetRow) -> Finder:
        """Return the rows as a dataset sees them."""


class References:
    """Turns values of options into inputs, as the dataset ``target`` sees them."""

    def __init__(
        self, rows: Finder, resolver: Resolver, target: DatasetRow | None, domains: Domains
    ) -> None:
        self._rows, self._resolver = rows, resolver
        self._target, self._domains = target, domains

    def refer(self, annotation: Any, value: Any) -> Input | DatasetRow:
        """Return what ``value``, of an option with this annotation, stands for.

        Raises:
            EffbenchError: it has not the form that the annotation asks for, or names what is
                not there.

        """
        readers: dict[Any, Callable[[Any], Input | DatasetRow]] = {
            Dataset: self._dataset,
            DomainModels: self._domain_models,
            EncodedTexts: self._encoded_texts,
            Examples: self._examples,
            SearchedDataset: self._searched,
            ModelId: self._folder,
            TrainedModel: self._model,
        }
        return readers[annotation](value)

    def _model(self, name: Any) -> ModelInput:
        return ModelInput(self._rows.model(name))

    def _folder(self, value: Any) -> FolderInput:
        return FolderInput(self._model(_parts(value, "{trained: ROW}", "trained")["trained"]))

    def _encoded_texts(self, value: Any) -> TextsInput:
        given = _parts(value, "{texts: [...], encoder: ROW}", "texts", "encoder")
        encoder = self._rows.sound("encoders", given["encoder"])
        texts = Texts(tuple(self._source(one) for one in _listed(given["texts"])))
        return TextsInput(EncodeTexts(encoder, texts))

    def _source(self, given: Any) -> Source:
        options = dict(given) if isinstance(given, dict) else {}
        draw, column = options.pop("draw", None), options.pop("column", None)
        if len(options) != 1 or not set(options) <= {"file", *PARTS}:
            raise EffbenchError(
                f"{given!r} is no source of texts (give one of file, {', '.join(PARTS)})"
            )
        if draw is not None:
            _check_count(draw, "texts: draw", "texts")
        ((part, value),) = options.items()
        if part == "file":
            return self._file(value, column, draw)
        return DatasetSource(self._dataset(value), part, draw)

    def _file(self, name: Any, column: str | None, draw: int | None) -> FileSource:
        path = inside(self._resolver.beside, str(name))
        if not path.is_file() or self._resolver.digests is None:
            raise EffbenchError(f"texts: no file {path} (paths start at the suite's folder)")
        return FileSource(path, self._resolver.digests.of(path), column, draw)

    def _examples(self, value: Any) -> ExamplesInput:
        given = _parts(value, "{examples: [...]}", "examples", passages=None)
        sources = [one for each in _listed(given["examples"]) for one in self._example(each)]
        if not sources:
            raise EffbenchError(
                "examples: 'others' names no dataset (give the suite a second dataset)"
            )
        step = GatherExamples(tuple(sources))
        if given["passages"] is None:
            return ExamplesInput(step, ())
        row = self._rows.sound("encoders", given["passages"])
        corpora = (EncodeCorpus(row.passages or row, corpus) for corpus in step.corpora)
        return ExamplesInput(step, tuple(corpora))

    def _example(self, given: Any) -> list[Judgments | Docpairs]:
        if isinstance(given, dict) and set(given) == {"docpairs"}:
            return [Docpairs(row) for row in self._datasets(given["docpairs"])]
        found = dict(given) if isinstance(given, dict) else {}
        first, negatives = found.pop("first", None), found.pop("negatives", None)
        if set(found) not in ({"judgments"}, {"training"}):
            raise EffbenchError(
                f"{given!r} is not {{judgments: DATASET, negatives: ROW, first: N}}, the same "
                "with training, or {docpairs: DATASET}"
            )
        if first is not None:
            _check_count(first, "first", "judgments")
        mined = None if negatives is None else self._rows.model(negatives)
        ((word, value),) = found.items()
        rows = self._datasets(value)
        if word == "judgments":
            return [Judgments(Data(row), mined, first) for row in rows]
        return [
            Judgments(Data(one), mined, first if is_train else None)
            for row in rows
            for one, is_train in trainable(row)
        ]

    def _domain_models(self, value: Any) -> DomainsInput:
        form = "{models: ROW, of: DATASETS, features: ROW, first: N}"
        given = _parts(value, form, "models", "of", "features", first=100)
        if self._target is None:
            raise EffbenchError(NO_TARGET)
        _check_count(given["first"], "first", "texts")
        encoder = self._rows.sound("encoders", given["features"])

        def features(row: DatasetRow) -> EncodeDomain:
            return EncodeDomain(encoder, Data(row), given["first"])

        sources = sorted(self._datasets(given["of"]), key=lambda row: row.name)
        if not sources:
            raise EffbenchError(
                "of: there is no dataset of another collection to transfer from (name one)"
            )
        for row in sources:
            if row.corpora & self._target.corpora:
                raise EffbenchError(
                    f"of: {row.name} is of the target's own collection (leave it out)"
                )
        models = (self._domains.finder(row).model(given["models"]) for row in sources)
        pairs = zip(map(features, sources), models, strict=True)
        return DomainsInput(features(self._target), tuple(pairs))

    def _searched(self, value: Any) -> SearchInput:
        form = "{dataset: DATASET, row: ROW, index: ROW, depth: N}"
        given = _parts(value, form, "dataset", "row", "depth", index=None)
        data, depth = Data(self._dataset(given["dataset"])), given["depth"]
        _check_count(depth, "depth", "hits")
        if given["index"] is None:
            retriever = self._rows.sound("retrievers", given["row"])
            return SearchInput(
                SearchRetriever(BuildRetriever(retriever, data.row), data, depth)
            )
        encoder = self._rows.sound("encoders", given["row"])
        corpus = EncodeCorpus(encoder.passages or encoder, data.row)
        index = BuildIndex(self._rows.sound("indexes", given["index"]), corpus)
        return SearchInput(SearchIndex(EncodeQueries(encoder, data), index, depth, {}))

    def _datasets(self, value: Any) -> list[DatasetRow]:
        """Return the datasets that a value names: one, a list of them, or all others."""
        if value == OTHERS:
            if self._target is None:
                raise EffbenchError(NO_TARGET)
            return list(self._domains.others(self._target))
        return [self._dataset(one) for one in _listed(value)]

    def _dataset(self, value: Any) -> DatasetRow:
        if value == TARGET:
            if self._target is None:
                raise EffbenchError(NO_TARGET)
            return self._target
        if isinstance(value, str):
            return self._rows.dataset("ir_datasets", {"id": value})
        if isinstance(value, dict) and isinstance(value.get("use"), str):
            options = {name: option for name, option in value.items() if name != "use"}
            return self._rows.dataset(value["use"], options)
        raise EffbenchError(
            f"{value!r} is no dataset (give an ir_datasets id, {{use: ...}} or target)"
        )


def _parts(value: Any, form: str, *required: str, **optional: Any) -> dict[str, Any]:
    """Return a mapping with all its parts, or raise an error that shows its form."""
    given = value if isinstance(value, dict) else {}
    if not set(required) <= set(given) <= {*required, *optional}:
        raise EffbenchError(f"{value!r} is not {form}")
    return {**optional, **given}


def _check_count(value: Any, option: str, noun: str) -> None:
    if type(value) is not int or value < 1:
        raise EffbenchError(f"{option}: {value!r} is not a number of {noun} (take 1 or more)")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
