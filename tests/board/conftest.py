from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from altered import replaced
from made_choices import Results
from made_records import write_results


@pytest.fixture
def three_rows(effbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setenv("EFFBENCH_MACHINE", "a-machine")
    return Results(effbench, tmp_path / "results")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    write_results(tmp_path / "old", rows=["big", "small"], datasets=1, queries=60)
    return tmp_path / "old"


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    shutil.copytree(old, tmp_path / "new")
    return tmp_path / "new"


@pytest.fixture
def named(tmp_path: Path) -> Path:
    root = tmp_path / "results"
    folder = write_results(root, rows=["big", "small"], datasets=2)
    for path in folder.rglob("*.json"):  # made datasets under the names of real ones
        cells = {"data-0--": "s--", "data-1--": "f--"}
        names = {**cells, "data-0": "scifact/test", "data-1": "beir/fiqa"}
        path.write_text(replaced(path.read_text(), names))
        path.rename(path.with_name(path.name.replace("data-0", "s").replace("data-1", "f")))
    return root
