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


def test_a_folder_without_results_is_a_mistake(effbench, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    found = effbench("verify", tmp_path / "empty")
    assert found.exit_code == 2
    assert "no results there" in found.stderr
