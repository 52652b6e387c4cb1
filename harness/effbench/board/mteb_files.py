"""Our rows as mteb's result files, and the names that mteb has for datasets and measures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.run.recorded import Done
from effbench.store.disk import write_json
from effbench.text.names import slug, through

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
"""BEIR's names of datasets -> mteb's of tasks."""

MEASURES = {
    "nDCG": "ndcg",
    "RR": "mrr",
    "R": "recall",
    "P": "precision",
    "AP": "map",
    "Success": "hit_rate",
}
"""ir_measures' names -> mteb's, whose cut-off follows: ndcg_at_10."""


def measure_key(measure: str) -> str | None:
    """Return mteb's name of a measure such as nDCG@10, if it has one."""
    found = re.fullmatch(r"(\w+)@(\d+)", measure)
    return f"{MEASURES[found[1]]}_at_{found[2]}" if found and found[1] in MEASURES else None


def task_of(dataset: str) -> tuple[str, str]:
    """Return mteb's task and split of a dataset: beir/fiqa/test is FiQA2018, test."""
    parts = dataset.removeprefix("beir/").split("/")
    for count in (2, 1):
        task = TASKS.get("/".join(parts[:count]).lower())
        if task and len(parts) >= count:
            rest = parts[count:]
            return task, rest[0] if rest and rest[0] in ("train", "dev", "test") else "test"
    return dataset, "test"


def write_results(records: Sequence[Done], folder: Path) -> int:
    """Write records as mteb's result files; return how many files.

    A row's revision is the version of what made it. Its index and search setting are part of
    its name, unless it has only one.

    Raises:
        EffbenchError: two records would stand in one place.
        DiskError: a file cannot be written.

    """
    indexes: dict[str, set[str]] = {}
    for record in records:
        indexes.setdefault(record.row.name, set()).add(_index(record))
    files: dict[Path, dict[str, Any]] = {}
    for record in records:
        name = record.row.name
        model = f"{name} {_index(record)}".strip() if len(indexes[name]) > 1 else name
        task, split = task_of(record.dataset)
        place = folder / slug(model) / slug(record.row.distribution)
        about = {"name": model, "revision": place.name, "framework": ["effbench"]}
        if files.setdefault(place / META, about) != about:
            raise EffbenchError(
                f"{model} and {files[place / META]['name']} would have one folder, {place} "
                "(give them names that differ in letters and digits)"
            )
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
    for path, content in files.items():
        write_json(path, content, seal=False)
    return sum(path.name != META for path in files)


def _entry(record: Done) -> dict[str, Any]:
    scores = {measure_key(measure): score for measure, score in record.scores.items()}
    known = {key: score for key, score in scores.items() if key}
    main = known.get("ndcg_at_10", next(iter(known.values()), None))
    return {"hf_subset": "default", "languages": ["eng-Latn"], "main_score": main, **known}


def _index(record: Done) -> str:
    return through(record.index_name, record.search)
