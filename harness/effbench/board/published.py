"""Reads published scores: mteb's result files become rows of a leaderboard.

A file is ``MODEL/REVISION/TASK.json`` with ``task_name`` and ``scores``: split -> a list with
an entry for each subset (mteb 1.11 and later). A model has a ``model_meta.json``. The scores
are means without the values of the queries, so these rows have no intervals, tests and
latencies. The files come from strangers: a file that cannot be read is left out and named.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from reprlib import repr as shortened
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct

from effbench.api.errors import EffbenchError
from effbench.board.mteb_files import META, measure_key, task_of
from effbench.run.recorded import Costs, Offer, Quoted
from effbench.store.disk import listed
from effbench.store.door import LONGEST, Name, content, foreign, typed
from effbench.text.names import slug
from effbench.text.printing import one_line

ITS_FOLDER = "its folder's name is taken"
"""The end of a message: where the name of a model comes from instead."""

NEVER = datetime.min.replace(tzinfo=timezone.utc)
"""The creation time of published scores, which no file tells."""


class ResultFile(Struct, frozen=True):
    """The parts of mteb's result file that we read; we ignore all others."""

    task_name: Name
    scores: dict[Name, Any]
    """Split -> a list of subsets, where a subset is measure -> score."""

    mteb_version: Any = "?"


class Description(Struct, frozen=True):
    """The part of mteb's description of a model that we read."""

    name: Annotated[str, Meta(max_length=1000)]


class Result(NamedTuple):
    """A result file and its model: the scores on one task."""

    path: Path
    model: str
    revision: str
    file: ResultFile


class Published(NamedTuple):
    """The result files of some folders."""

    results: Sequence[Result] = ()
    unreadable: Sequence[str] = ()
    """Which files were left out, and why."""

    def records(
        self, datasets: Sequence[str], measures: Sequence[str]
    ) -> tuple[list[Quoted], list[str]]:
        """Return a record for each model and dataset, and which files were left out, and why.

        Two revisions of a model are two rows, so that a mean never mixes them.
        """
        by_place: dict[tuple[str, str, str], tuple[Result, dict[str, float]]] = {}
        unreadable = [*self.unreadable]
        wanted = [(*task_of(name), name) for name in datasets]
        for result in self.results:
            for task, split, dataset in wanted:
                if result.file.task_name != task or split not in result.file.scores:
                    continue
                place = result.model, result.revision, dataset
                try:
                    scores = dict(_scores(result, split, measures))
                    if scores and place in by_place:
                        raise EffbenchError(
                            f"{task} of that model and revision is there twice (keep one)"
                        )
                except EffbenchError as error:
                    unreadable.append(f"{result.path}: {split}: {error}")
                    continue
                if scores:
                    by_place[place] = result, scores
        revisions = {(model, revision) for model, revision, _ in by_place}
        models = [model for model, _ in revisions]
        quoted = []
        for (model, revision, dataset), (result, scores) in by_place.items():
            version = f" {revision}" if models.count(model) > 1 else ""
            quoted.append(_quoted(result, f"{model}{version} (published)", dataset, scores))
        return quoted, unreadable


def read_published(folders: Iterable[Path]) -> Published:
    """Read the result files under folders.

    Raises:
        EffbenchError: a folder has none.

    """
    paths: dict[str, Path] = {}
    for folder in folders:
        files = [path for path in listed(folder, "**/*.json") if path.name != META]
        if not files:
            raise EffbenchError(
                f"{folder}: no result files of mteb there (name another folder)"
            )
        paths |= {os.path.realpath(path): path for path in files}
    results: list[Result] = []
    unreadable: list[str] = []
    names: dict[Path, str] = {}
    for path in paths.values():
        try:
            file = _file(path)
            if path.parent not in names:
                names[path.parent] = _model(path.parent, unreadable)
        except EffbenchError as error:
            unreadable.append(str(error))
            continue
        model = names[path.parent]
        results.append(Result(path, model, one_line(path.parent.name), file))
    return Published(results, unreadable)


def _file(path: Path) -> ResultFile:
    data = foreign(content(path), path)
    if isinstance(data, dict) and "mteb_dataset_name" in data:
        raise EffbenchError(
            f"{path}: a result file of mteb before 1.11 (mteb reads it and writes it anew)"
        )
    file: ResultFile = typed(data, ResultFile, path, "is it a result file of mteb?")
    return file


def _model(folder: Path, unreadable: list[str]) -> str:
    """Return the model's name from its description, else from the name of its folder."""
    meta = folder / META
    if os.path.lexists(meta):
        try:
            described = typed(foreign(content(meta), meta), Description, meta, ITS_FOLDER)
            if plain := one_line(described.name):
                return plain
            raise EffbenchError(f"{meta}: its name is empty ({ITS_FOLDER})")
        except EffbenchError as error:
            unreadable.append(str(error))
    return one_line(folder.parent.name.replace("__", "/"))


def _scores(result: Result, split: str, measures: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield measure and score for the measures that the only subset has.

    Raises:
        EffbenchError: there is not exactly one subset, or a score is not from 0 to 1.

    """
    entries = result.file.scores[split]
    if not isinstance(entries, list) or len(entries) != 1 or not isinstance(entries[0], dict):
        raise EffbenchError("not exactly one subset with scores (take a task of one subset)")
    for measure in measures:
        key = measure_key(measure)
        if key in entries[0]:
            score = entries[0][key]
            if type(score) not in (int, float) or not 0 <= score <= 1:
                raise EffbenchError(f"{key} is no number from 0 to 1: {shortened(score)}")
            yield measure, float(score)


def _quoted(result: Result, name: str, dataset: str, scores: dict[str, float]) -> Quoted:
    version = one_line(str(result.file.mteb_version))[:LONGEST]
    return Quoted(
        schema=2,
        cell=f"published--{slug(result.model)}--{slug(dataset)}",
        key=result.revision,
        dataset=dataset,
        row=Offer(name, "mteb", "mteb", f"mteb {version}", {"revision": result.revision}),
        index=None,
        search={},
        scores=scores,
        per_query={},
        queries={},
        costs=Costs(),
        created=NEVER,
    )
