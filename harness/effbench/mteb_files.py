"""Result files of mteb: published scores as further rows, and our rows as such files.

A file is ``MODEL/REVISION/TASK.json`` with ``task_name`` and ``scores``: split -> one entry a
subset (mteb 1.11 and later); models have a ``model_meta.json``. Scores are means, without the
queries' values: intervals, tests and latencies cannot be had of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from effbench.cells import slug, through
from effbench.errors import EffbenchError
from effbench.files import listed, read_json, write_json
from effbench.records import Record

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


def published(folder: Path, datasets: Sequence[str], measures: Sequence[str]) -> list[Record]:
    """Return a record for each dataset that a model under ``folder`` has scores of.

    Raises:
        EffbenchError: there is no result file, or one cannot be read.

    """
    wanted = {task_of(name): name for name in datasets}
    found = []
    paths = [path for path in listed(folder, "**/*.json") if path.name != META]
    for path in paths:
        data = _read(path)
        for (task, split), dataset in wanted.items():
            if data.get("task_name") == task and split in data["scores"]:
                scores = dict(_scores(data["scores"][split], measures))
                if scores:
                    found.append(_record(path, dataset, data, scores))
    if not paths:
        raise EffbenchError(f"{folder}: no result files of mteb there")
    return found


def _read(path: Path) -> Record:
    data = read_json(path)
    if not isinstance(data, dict) or not isinstance(data.get("scores"), dict):
        raise EffbenchError(f"{path}: no result file of mteb (task_name, scores)")
    return data


def _scores(
    entries: Sequence[Mapping[str, Any]], measures: Sequence[str]
) -> Iterator[tuple[str, float]]:
    """Yield the measures of the only subset."""
    for measure in measures:
        key = measure_key(measure)
        if key and len(entries) == 1 and key in entries[0]:
            yield measure, float(entries[0][key])


def _record(path: Path, dataset: str, data: Record, scores: Mapping[str, float]) -> Record:
    meta = path.parent / META
    model = _model(meta) if meta.is_file() else path.parent.parent.name.replace("__", "/")
    return {
        "cell": f"published--{slug(model)}--{slug(dataset)}",
        "status": "done",
        "key": path.parent.name,
        "dataset": dataset,
        "row": {
            "name": f"{model} (published)",
            "use": "mteb",
            "plugin": "mteb",
            "distribution": f"mteb {data.get('mteb_version', '?')}",
            "options": {"revision": path.parent.name},
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


def _model(meta: Path) -> str:
    data = read_json(meta)
    if not isinstance(data, dict) or "name" not in data:
        raise EffbenchError(f"{meta}: no description of a model (name)")
    return str(data["name"])


def write_results(records: Sequence[Record], folder: Path) -> int:
    """Write records as mteb's result files; return how many files.

    A row's revision is the version of what made it. Its index and search setting are part of
    its name, unless it has only one.
    """
    indexes: dict[str, set[str]] = {}
    for record in records:
        indexes.setdefault(record["row"]["name"], set()).add(_index(record))
    files: dict[Path, Record] = {}
    for record in records:
        name = record["row"]["name"]
        model = f"{name} {_index(record)}".strip() if len(indexes[name]) > 1 else name
        task, split = task_of(record["dataset"])
        place = folder / slug(model) / slug(record["row"]["distribution"])
        files[place / META] = {"name": model, "revision": place.name, "framework": ["effbench"]}
        content = files.setdefault(
            place / f"{slug(task)}.json",
            {
                "dataset_revision": record["key"],
                "task_name": task,
                "mteb_version": "",
                "scores": {},
                "evaluation_time": 0.0,
                "kg_co2_emissions": None,
            },
        )
        content["scores"][split] = [_entry(record)]
        content["evaluation_time"] += record["costs"].get("search_seconds", 0.0)
    for path, content in files.items():
        write_json(path, content, seal=False)
    return sum(path.name != META for path in files)


def _entry(record: Record) -> Record:
    scores = {measure_key(measure): score for measure, score in record["scores"].items()}
    known = {key: score for key, score in scores.items() if key}
    main = known.get("ndcg_at_10", next(iter(known.values()), None))
    return {"hf_subset": "default", "languages": ["eng-Latn"], "main_score": main, **known}


def _index(record: Record) -> str:
    return through(record["index"] and record["index"]["name"], record["search"])
