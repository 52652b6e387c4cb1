"""What is changed by hand in results is refused, with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from effbench.store.disk import write_json
from made_records import write_results
from made_sessions import write_session

CELL = "data-0--big--exact"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a suite on a machine, with records and no session."""
    return write_results(tmp_path / "results", rows=["big", "small"], datasets=1, queries=20)


@pytest.fixture
def refused(effbench, tmp_path: Path):
    def verify() -> list[str]:
        found = effbench("verify", tmp_path / "results", "--json")
        lines = json.loads(found.stdout)["refused"]
        assert found.exit_code == bool(lines), found.output
        return lines

    return verify


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


def resaved(path: Path, alter) -> None:
    """Change a session's header or times by hand, and leave its checksum."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    alter(arrays)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


TIMES = [float(i % 5 + 3) for i in range(20)]


def spans(encode: float = 1.0, whole: float = 1.0) -> dict[str, list[float]]:
    return {
        "encode": [ms * encode for ms in TIMES],
        "end to end": [ms * whole for ms in TIMES],
    }


def test_a_time_that_was_changed_is_refused(folder, refused) -> None:
    path = write_session(folder, "data-0", {"cell": spans()})
    assert refused() == []
    resaved(path, lambda arrays: arrays["ns"].__setitem__(0, 7))
    (line,) = refused()
    assert "its checksum does not hold" in line


def test_a_time_that_is_missing_is_refused(folder, refused) -> None:
    write_session(folder, "data-0", {"cell": {**spans(), "end to end": TIMES[:-1]}})
    assert "and 20 queries were asked once" in "\n".join(refused())


def test_a_whole_that_is_shorter_than_its_parts_is_refused(folder, refused) -> None:
    write_session(folder, "data-0", {"cell": spans(whole=0.1)})
    (line,) = refused()
    assert "end to end takes 0.5 ms, and encode alone 5 ms" in line


def test_another_protocol_is_refused(folder, refused) -> None:
    write_session(folder, "data-0", {"cell": spans()}, conditions={"protocol": 2})
    (line,) = refused()
    assert "protocol 2, and 3 is wanted" in line


def test_a_folder_without_results_is_a_mistake(effbench, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    found = effbench("verify", tmp_path / "empty")
    assert found.exit_code == 2
    assert "no results there" in found.stderr
