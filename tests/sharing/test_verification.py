"""What is changed by hand in results is refused, with the reason."""

from __future__ import annotations

import json
from pathlib import Path

from effbench.store.disk import write_json

CELL = "data-0--big--exact"


def changed(path: Path, alter, *, seal: bool) -> None:
    """Change a record by hand; ``seal`` writes its checksum anew."""
    record = json.loads(path.read_text())
    checksum = record.pop("sha256", None)
    alter(record)
    write_json(path, record if seal else {**record, "sha256": checksum}, seal=seal)


def record_of(folder: Path) -> Path:
    return next(path for path in sorted(folder.glob("*.json")) if path.name != "suite.json")


def test_results_as_a_run_writes_them_are_not_refused(folder, refused) -> None:
    assert refused() == []


def test_a_score_that_is_not_the_mean_of_its_queries_is_refused(folder, refused) -> None:
    def better(record) -> None:
        record["scores"] = {name: 0.99 for name in record["scores"]}

    changed(record_of(folder), better, seal=True)
    (line,) = refused()
    assert "is 0.99, and the mean of its queries' values is" in line


def test_a_record_that_was_changed_without_its_checksum_is_refused(folder, refused) -> None:
    changed(record_of(folder), lambda record: record.update(key="other"), seal=False)
    (line,) = refused()
    assert "its checksum does not hold" in line


def test_a_record_that_leaves_out_its_worst_query_is_refused(folder, refused) -> None:
    def dropped(record) -> None:
        for measure, values in record["per_query"].items():
            del values[min(values, key=values.get)]
            record["scores"][measure] = sum(values.values()) / len(values)

    changed(record_of(folder), dropped, seal=True)
    (line,) = refused()
    assert "it counts 20 queries, and has the values of 19" in line
    changed(record_of(folder), lambda record: record["queries"].update(queries=19), seal=True)
    assert refused() == [], "without the key of its data, nothing tells what it lacks"
    for path in folder.glob("data-*.json"):
        changed(path, lambda record: record.update(data_key="same"), seal=True)
    (line,) = refused()
    assert "it lacks queries that data-0--1 has on the same data" in line


def test_a_record_without_a_measure_of_its_suite_is_refused(folder, refused) -> None:
    def renamed(record) -> None:
        for part in ("scores", "per_query"):
            record[part] = {"nDCG@20": record[part]["nDCG@10"]}

    changed(record_of(folder), renamed, seal=True)
    (line,) = refused()
    assert "it lacks the suite's nDCG@10" in line


def test_a_record_of_an_old_schema_is_refused_if_it_is_new(folder, refused) -> None:
    path = record_of(folder)
    record = json.loads(path.read_text()) | {"created": "2026-11-28T00:00:00+00:00"}
    path.write_text(json.dumps(record))
    (line,) = refused()
    assert "it has no checksum, and records of its age have one" in line


def test_a_folder_without_results_is_a_mistake(effbench, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    found = effbench("verify", tmp_path / "empty")
    assert found.exit_code == 2
    assert "no results there" in found.stderr
