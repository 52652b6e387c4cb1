"""Writes rows as mteb's result files; has mteb's names for datasets and measures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.run.recorded import Done
from effbench.store.disk import write_json
from effbench.text.names import index_label, slug

META = "model_meta.json"
TASKS = {
    "arguana": "ArguAna",
    "climate-fever": "ClimateFEVER",
    "dbpedia-entity": "DBPedia",
    "fever": "FEVER",
    "fiqa": "FiQA2018",
    "hotpotqa": "HotpotQA",
    "msmarco": "MSMARCO",
    "nfcorpus": "NFCorpus",
    "nq": "NQ",
    "quora": "QuoraRetrieval",
    "scidocs": "SCIDOCS",
    "scifact": "SciFact",
    "trec-covid": "TRECCOVID",
    "webis-touche2020": "Touche2020",
    "cqadupstack": "CQADupstackRetrieval",
    **{
        f"cqadupstack/{forum}": f"CQADupstack{forum.capitalize()}Retrieval"
        for forum in (
            "android", "english", "gaming", "gis", "mathematica", "physics", "programmers",
            "stats", "tex", "unix", "webmasters", "wordpress",
        )
    },
}  # fmt: skip
"""BEIR's name of a dataset -> mteb's name of the task."""

MEASURES = {
    "nDCG": "ndcg",
    "RR": "mrr",
    "R": "recall",
    "P": "precision",
    "AP": "map",
    "Success": "hit_rate",
}
"""Measure in ir_measures -> mteb's name, to which mteb appends the cut-off: ndcg_at_10."""


def measure_key(measure: str) -> str | None:
    """Return mteb's name of a measure such as nDCG@10, or None if mteb has none."""
    match = re.fullmatch(r"(\w+)@(\d+)", measure)
    return f"{MEASURES[match[1]]}_at_{match[2]}" if match and match[1] in MEASURES else None


def task_of(dataset: str) -> tuple[str, str]:
    """Return mteb's task and split for a dataset: FiQA2018 and test for beir/fiqa/test."""
    parts = dataset.removeprefix("beir/").split("/")
    for count in (2, 1):
        task = TASKS.get("/".join(parts[:count]).lower())
        if task and len(parts) >= count:
            split = parts[count] if len(parts) > count else ""
            return task, split if split in ("train", "dev", "test") else "test"
    return dataset, "test"


def write_results(records: Sequence[Done], folder: Path) -> int:
    """Write records as mteb's result files, and return the number of files.

    The revision of a row is the name and version of the package with its plugin. If a row has
    several indexes or search settings, they are part of the model's name.

    Raises:
        EffbenchError: two records would be written to one place.
        DiskError: a file cannot be written.

    """
    indexes: dict[str, set[str]] = {}
    for record in records:
        indexes.setdefault(record.row.name, set()).add(_index(record))
    files: dict[Path, dict[str, Any]] = {}
    for record in records:
        name = record.row.name
        model = f"{name} {_index(record)}".strip() if len(indexes[name]) > 1 else name
        _add(files, folder / slug(model) / slug(record.row.distribution), model, record)
    for path, content in files.items():
        write_json(path, content, seal=False)
    return sum(path.name != META for path in files)


def _add(files: dict[Path, dict[str, Any]], place: Path, model: str, record: Done) -> None:
    """Add a record to ``files``, path -> content, under the folder ``place`` of its model."""
    description = {"name": model, "revision": place.name, "framework": ["effbench"]}
    if files.setdefault(place / META, description) != description:
        raise EffbenchError(
            f"{model} and {files[place / META]['name']} would have one folder, {place} "
            "(give them names that differ in letters and digits)"
        )
    task, split = task_of(record.dataset)
    content = files.setdefault(
        place / f"{slug(task)}.json",
        {
            "dataset_revision": record.key,
            "task_name": task,
            "mteb_version": "",
            "scores": {},
            "evaluation_time": 0.0,
            "kg_co2_emissions": None,
        },
    )
    if split in content["scores"]:
        raise EffbenchError(
            f"{model} has two records of {record.dataset}, and mteb's files hold one "
            f"(choose with --suite and --machine)"
        )
    content["scores"][split] = [_entry(record)]
    content["evaluation_time"] += record.costs.search_seconds or 0.0


def _entry(record: Done) -> dict[str, Any]:
    scores = {measure_key(measure): score for measure, score in record.scores.items()}
    known = {key: score for key, score in scores.items() if key}
    main = known.get("ndcg_at_10", next(iter(known.values()), None))
    return {"hf_subset": "default", "languages": ["eng-Latn"], "main_score": main, **known}


def _index(record: Done) -> str:
    return index_label(record.index_name, record.search)
