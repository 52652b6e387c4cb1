"""Published scores: mteb's result files as further rows.

A file is ``MODEL/REVISION/TASK.json`` with ``task_name`` and ``scores``: split -> one entry a
subset (mteb 1.11 and later); models have a ``model_meta.json``. Scores are means, without the
queries' values: intervals, tests and latencies cannot be had of them. Files come from
strangers: what cannot be read is named and left out, and the others count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, NamedTuple

from effbench.cells import slug
from effbench.errors import EffbenchError
from effbench.files import listed, read_json
from effbench.mteb_files import META, measure_key, task_of
from effbench.records import Record
from effbench.remarks import one_line


class Result(NamedTuple):
    """A result file: a model's scores of one task."""

    path: Path
    model: str
    revision: str
    data: Mapping[str, Any]
    """What the file holds; its ``scores`` are a mapping, all else may be anything."""


class Published(NamedTuple):
    """The result files of some folders."""

    results: Sequence[Result] = ()
    unreadable: Sequence[str] = ()
    """Files that were left out, and why."""

    def records(
        self, datasets: Sequence[str], measures: Sequence[str]
    ) -> tuple[list[Record], list[str]]:
        """Return a record for each dataset that a model has scores of, and what is left out.

        Two revisions of a model are two rows: they never stand in one mean.
        """
        found: dict[tuple[str, str, str], Record] = {}
        unreadable = [*self.unreadable]
        wanted = [(*task_of(name), name) for name in datasets]
        for result in self.results:
            for task, split, dataset in wanted:
                if result.data.get("task_name") != task or split not in result.data["scores"]:
                    continue
                place = result.model, result.revision, dataset
                try:
                    scores = dict(_scores(result, split, measures))
                    if scores and place in found:
                        raise EffbenchError(f"{task} of that model and revision is there twice")
                except EffbenchError as error:
                    unreadable.append(f"{result.path}: {split}: {error}")
                    continue
                if scores:
                    found[place] = _record(result, dataset, scores)
        revisions = {(model, revision) for model, revision, _ in found}
        models = [model for model, _ in revisions]
        for (model, revision, _), record in found.items():
            several = f" {revision}" if models.count(model) > 1 else ""
            record["row"]["name"] = f"{model}{several} (published)"
        return list(found.values()), unreadable


def read(folders: Iterable[Path]) -> Published:
    """Read the result files under some folders.

    Raises:
        EffbenchError: there is none.

    """
    paths: dict[Path, Path] = {}
    for folder in folders:
        own = [p for p in listed(folder, "**/*.json") if p.name != META and p.is_file()]
        if not own:
            raise EffbenchError(f"{folder}: no result files of mteb there")
        paths |= {path.resolve(): path for path in own}
    results: list[Result] = []
    unreadable: list[str] = []
    names: dict[Path, str] = {}
    for path in paths.values():
        try:
            data = _data(path)
            if path.parent not in names:
                names[path.parent] = _model(path.parent, unreadable)
        except EffbenchError as error:
            unreadable.append(str(error))
            continue
        model = names[path.parent]
        results.append(Result(path, model, one_line(path.parent.name), data))
    return Published(results, unreadable)


def _data(path: Path) -> Mapping[str, Any]:
    data = _json(path)
    if isinstance(data.get("task_name"), str) and isinstance(data.get("scores"), dict):
        return data
    if "mteb_dataset_name" in data:
        raise EffbenchError(
            f"{path}: a result file of mteb before 1.11 (mteb reads it and writes it anew)"
        )
    raise EffbenchError(f"{path}: no result file of mteb (task_name, scores)")


def _model(folder: Path, unreadable: list[str]) -> str:
    """Return the model's name: that of its description, else that of its folder."""
    meta = folder / META
    if meta.is_file():
        try:
            name = _json(meta).get("name")
            if isinstance(name, str) and (plain := one_line(name)):
                return plain
            raise EffbenchError(f"{meta}: no name of a model (its folder's name is taken)")
        except EffbenchError as error:
            unreadable.append(str(error))
    return one_line(folder.parent.name.replace("__", "/"))


def _json(path: Path) -> Mapping[str, Any]:
    try:
        data = read_json(path)
    except RecursionError as error:
        raise EffbenchError(f"{path}: cannot be read: nested too deep") from error
    return data if isinstance(data, dict) else {}


def _scores(result: Result, split: str, measures: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield the measures of the only subset.

    Raises:
        EffbenchError: there is not one subset, or a score is no number from 0 to 1.

    """
    entries = result.data["scores"][split]
    if not isinstance(entries, list) or len(entries) != 1 or not isinstance(entries[0], dict):
        raise EffbenchError("not one subset with its scores")
    for measure in measures:
        key = measure_key(measure)
        if key in entries[0]:
            score = entries[0][key]
            if type(score) not in (int, float) or not 0 <= score <= 1:
                raise EffbenchError(f"{key} is no number from 0 to 1: {shortened(score)}")
            yield measure, float(score)


def _record(result: Result, dataset: str, scores: Mapping[str, float]) -> Record:
    version = one_line(str(result.data.get("mteb_version", "?")))
    return {
        "cell": f"published--{slug(result.model)}--{slug(dataset)}",
        "status": "done",
        "key": result.revision,
        "dataset": dataset,
        "row": {
            "use": "mteb",
            "plugin": "mteb",
            "distribution": f"mteb {version}",
            "options": {"revision": result.revision},
        },
        "index": None,
        "search": {},
        "scores": dict(scores),
        "per_query": {},
        "queries": {},
        "costs": {},
        "created": "",
        "published": True,
    }
