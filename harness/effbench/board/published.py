"""Published scores: mteb's result files as further rows.

A file is ``MODEL/REVISION/TASK.json`` with ``task_name`` and ``scores``: split -> one entry a
subset (mteb 1.11 and later); models have a ``model_meta.json``. Scores are means, without the
queries' values: intervals, tests and latencies cannot be had of them. Files come from
strangers: what cannot be read is named and left out, and the others count.
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
NEVER = datetime.min.replace(tzinfo=timezone.utc)
"""When scores of others were made: nobody says."""


class File(Struct, frozen=True):
    """What mteb writes; what else is in it may be anything."""

    task_name: Name
    scores: dict[Name, Any]
    """Split -> a list of subsets, each a mapping of its scores."""

    mteb_version: Any = "?"


class Description(Struct, frozen=True):
    """What mteb writes of a model."""

    name: Annotated[str, Meta(max_length=1000)]


class Result(NamedTuple):
    """A result file: a model's scores of one task."""

    path: Path
    model: str
    revision: str
    file: File


class Published(NamedTuple):
    """The result files of some folders."""

    results: Sequence[Result] = ()
    unreadable: Sequence[str] = ()
    """Files that were left out, and why."""

    def records(
        self, datasets: Sequence[str], measures: Sequence[str]
    ) -> tuple[list[Quoted], list[str]]:
        """Return a record for each dataset that a model has scores of, and what is left out.

        Two revisions of a model are two rows: they never stand in one mean.
        """
        found: dict[tuple[str, str, str], tuple[Result, dict[str, float]]] = {}
        unreadable = [*self.unreadable]
        wanted = [(*task_of(name), name) for name in datasets]
        for result in self.results:
            for task, split, dataset in wanted:
                if result.file.task_name != task or split not in result.file.scores:
                    continue
                place = result.model, result.revision, dataset
                try:
                    scores = dict(_scores(result, split, measures))
                    if scores and place in found:
                        raise EffbenchError(
                            f"{task} of that model and revision is there twice (keep one)"
                        )
                except EffbenchError as error:
                    unreadable.append(f"{result.path}: {split}: {error}")
                    continue
                if scores:
                    found[place] = result, scores
        revisions = {(model, revision) for model, revision, _ in found}
        models = [model for model, _ in revisions]
        quoted = []
        for (model, revision, dataset), (result, scores) in found.items():
            several = f" {revision}" if models.count(model) > 1 else ""
            quoted.append(_quoted(result, f"{model}{several} (published)", dataset, scores))
        return quoted, unreadable


def read_published(folders: Iterable[Path]) -> Published:
    """Read the result files under some folders.

    Raises:
        EffbenchError: there is none.

    """
    paths: dict[str, Path] = {}
    for folder in folders:
        own = [path for path in listed(folder, "**/*.json") if path.name != META]
        if not own:
            raise EffbenchError(
                f"{folder}: no result files of mteb there (name another folder)"
            )
        paths |= {os.path.realpath(path): path for path in own}
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


def _file(path: Path) -> File:
    data = foreign(content(path), path)
    if isinstance(data, dict) and "mteb_dataset_name" in data:
        raise EffbenchError(
            f"{path}: a result file of mteb before 1.11 (mteb reads it and writes it anew)"
        )
    file: File = typed(data, File, path, "is it a result file of mteb?")
    return file


def _model(folder: Path, unreadable: list[str]) -> str:
    """Return the model's name: that of its description, else that of its folder."""
    meta = folder / META
    if os.path.lexists(meta):
        try:
            found = typed(foreign(content(meta), meta), Description, meta, ITS_FOLDER)
            if plain := one_line(found.name):
                return plain
            raise EffbenchError(f"{meta}: its name is empty ({ITS_FOLDER})")
        except EffbenchError as error:
            unreadable.append(str(error))
    return one_line(folder.parent.name.replace("__", "/"))


def _scores(result: Result, split: str, measures: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield the measures of the only subset.

    Raises:
        EffbenchError: there is not one subset, or a score is no number from 0 to 1.

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
