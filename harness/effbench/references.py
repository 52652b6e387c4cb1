"""What options that name rows or data refer to: values of a suite into inputs of steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effbench.api import ModelId
from effbench.errors import EffbenchError
from effbench.inputs import ExamplesInput, FolderInput, ModelInput, SearchInput, TextsInput
from effbench.options import Input, Resolver
from effbench.rows import DatasetRow
from effbench.steps.data import Data
from effbench.steps.encode import EncodeCorpus, EncodeQueries, EncodeTexts
from effbench.steps.examples import Docpairs, GatherExamples, Judgments
from effbench.steps.index import BuildIndex, BuildRetriever
from effbench.steps.search import SearchIndex, SearchRetriever
from effbench.steps.texts import PARTS, DatasetSource, FileSource, Source, Texts
from effbench.steps.train import Train
from effbench.trainers import EncodedTexts, Examples, SearchedDataset, TrainedModel

if TYPE_CHECKING:
    from effbench.finder import Finder

TARGET = "target"


class References:
    """Turns values of options into inputs, as the dataset ``target`` sees them."""

    def __init__(self, rows: Finder, resolver: Resolver, target: DatasetRow | None) -> None:
        self._rows, self._resolver, self._target = rows, resolver, target

    def refer(self, annotation: Any, value: Any) -> Input:
        """Return what ``value``, of an option with this annotation, stands for.

        Raises:
            EffbenchError: it has not the form that the annotation asks for, or names what is
                not there.

        """
        readers: dict[Any, Callable[[Any], Input]] = {
            EncodedTexts: self._encoded_texts,
            Examples: self._examples,
            SearchedDataset: self._searched,
            ModelId: self._folder,
            TrainedModel: self._model,
        }
        return readers[annotation](value)

    def _model(self, name: Any) -> ModelInput:
        return ModelInput(self._train(name))

    def _folder(self, value: Any) -> FolderInput:
        return FolderInput(self._model(_parts(value, "{trained: ROW}", "trained")["trained"]))

    def _train(self, name: Any) -> Train:
        return Train(self._rows.sound("models", name), self._rows.seed(name))

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
                f"{given!r} is no source of texts (give file, {', '.join(PARTS)}: one of them)"
            )
        if draw is not None and (type(draw) is not int or draw < 1):
            raise EffbenchError(f"texts: draw: {draw!r} is not a number of texts")
        ((part, value),) = options.items()
        if part == "file":
            return self._file(value, column, draw)
        return DatasetSource(self._dataset(value), part, draw)

    def _file(self, name: Any, column: str | None, draw: int | None) -> FileSource:
        path = (self._resolver.beside / Path(str(name)).expanduser()).resolve()
        if not path.is_file() or self._resolver.digests is None:
            raise EffbenchError(f"texts: no file {path}")
        return FileSource(path, self._resolver.digests.of(path), column, draw)

    def _examples(self, value: Any) -> ExamplesInput:
        given = _parts(value, "{examples: [...]}", "examples", passages=None)
        step = GatherExamples(tuple(self._judged(one) for one in _listed(given["examples"])))
        if given["passages"] is None:
            return ExamplesInput(step, ())
        row = self._rows.sound("encoders", given["passages"])
        corpora = (EncodeCorpus(row.passages or row, corpus) for corpus in step.corpora)
        return ExamplesInput(step, tuple(corpora))

    def _judged(self, given: Any) -> Judgments | Docpairs:
        if isinstance(given, dict) and set(given) == {"docpairs"}:
            return Docpairs(self._dataset(given["docpairs"]))
        form = "{judgments: DATASET, negatives: ROW} or {docpairs: DATASET}"
        found = _parts(given, form, "judgments", negatives=None)
        mined = found["negatives"]
        return Judgments(
            Data(self._dataset(found["judgments"])),
            None if mined is None else self._train(mined),
        )

    def _searched(self, value: Any) -> SearchInput:
        form = "{dataset: DATASET, row: ROW, index: ROW, depth: N}"
        given = _parts(value, form, "dataset", "row", "depth", index=None)
        data, depth = Data(self._dataset(given["dataset"])), given["depth"]
        if type(depth) is not int or depth < 1:
            raise EffbenchError(f"depth: {depth!r} is not a number of hits")
        if given["index"] is None:
            retriever = self._rows.sound("retrievers", given["row"])
            return SearchInput(
                SearchRetriever(BuildRetriever(retriever, data.row), data, depth)
            )
        encoder = self._rows.sound("encoders", given["row"])
        corpus = EncodeCorpus(encoder.passages or encoder, data.row)
        index = BuildIndex(self._rows.sound("indexes", given["index"]), corpus)
        return SearchInput(SearchIndex(EncodeQueries(encoder, data), index, depth, {}))

    def _dataset(self, value: Any) -> DatasetRow:
        if value == TARGET:
            if self._target is None:
                raise EffbenchError(
                    "'target' stands for the dataset of a cell; there is none here"
                )
            return self._target
        if isinstance(value, str):
            return self._rows.dataset("ir_datasets", {"id": value})
        if isinstance(value, dict) and isinstance(value.get("use"), str):
            options = {name: option for name, option in value.items() if name != "use"}
            return self._rows.dataset(value["use"], options)
        raise EffbenchError(
            f"{value!r} is no dataset (an ir_datasets id, {{use: ...}} or target)"
        )


def _parts(value: Any, form: str, *required: str, **optional: Any) -> dict[str, Any]:
    """Return a mapping with all its parts, or raise an error that shows its form."""
    given = value if isinstance(value, dict) else {}
    if not set(required) <= set(given) <= {*required, *optional}:
        raise EffbenchError(f"{value!r} is not {form}")
    return {**optional, **given}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
