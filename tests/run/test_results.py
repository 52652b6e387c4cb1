"""Results: what is damaged is named, left out, and made again by the next run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from altered import altered
from effbench.store.disk import listed
from made_results import CELL, SCANNED, lasting, table
from made_sessions import write_session


def test_temporary_files_are_never_read(effbench, run, folder: Path) -> None:
    write_session(folder, "toy", {CELL: {"encode": [1.0] * 12}})
    true = table(effbench, folder)
    planted = []
    for path in [*folder.glob("*.json"), *folder.glob("*/*")]:
        for name in (f".4711.{path.name}", f".0123456789abcdef.part{path.suffix}"):
            planted.append(path.with_name(name))
            shutil.copy(path, planted[-1])
    assert table(effbench, folder).stdout == true.stdout
    assert table(effbench, folder).exit_code == 0
    assert effbench("show", CELL, "--results", folder).exit_code == 0
    for path in planted[::2]:
        os.utime(path, (0, 0))
    run(SCANNED)
    assert [path for path in planted if path.exists()] == planted[1::2], "the old ones are gone"


@pytest.mark.parametrize("what", ["damaged", "gone"])
@pytest.mark.parametrize("name", [f"runs/{CELL}.trec.gz", "queries/toy.json"])
def test_exported_files_are_exported_again(run, folder: Path, name: str, what: str) -> None:
    path, record = folder / name, folder / f"{CELL}.json"
    true, kept = path.read_bytes(), lasting(record)
    path.write_bytes(true[:-9] + b"x" + true[-8:])
    if what == "gone":
        path.unlink()
    found = run(SCANNED)
    assert found.exit_code == 0
    assert f": {name}: lost or damaged, exporting again" in found.stderr
    assert "0 steps made" in found.stderr
    assert path.read_bytes() == true
    assert lasting(record) == kept
    assert "0 cells done" in run(SCANNED).stderr


def test_damaged_texts_of_queries_are_named_and_not_shown(effbench, folder, tmp_path) -> None:
    from effbench.board.leaderboard import boards

    (board,) = boards([folder])
    assert board.collected.texts["toy"]["q0"].startswith("apple")
    path = folder / "queries" / "toy.json"
    path.write_text(altered(path.read_text(), "apple", "amber", times=7))
    (board,) = boards([folder])
    assert board.collected.texts == {}
    found = table(effbench, folder)
    assert found.exit_code == 1
    assert f"left out: {path}: its checksum does not hold" in found.stderr


def test_a_damaged_plan_of_the_suite_is_written_again(effbench, run, folder: Path) -> None:
    path = folder / "suite.json"
    true = path.read_bytes()
    path.write_bytes(altered(true, b"nDCG@10", b"nDCG@20"))
    assert "its checksum does not hold" in table(effbench, folder).stderr
    assert run(SCANNED).exit_code == 0
    assert path.read_bytes() == true


def test_two_processes_of_one_number_share_a_results_folder(run, tmp_path: Path, monkeypatch):
    """As in two containers: names of temporary files hang on no process's number."""
    names = []
    replace = Path.replace

    def noted(path: Path, target: Path) -> Path:
        names.append(path.name)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", noted)
    monkeypatch.setattr("os.getpid", lambda: 1)
    assert run(SCANNED).exit_code == 0
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(tmp_path / "results")
    assert run(SCANNED).exit_code == 0
    ours = [name for name in names if name.startswith(".")]
    assert len(ours) == len(set(ours)) > 20
    assert list(listed(tmp_path, "results/*/toys/*.json"))
