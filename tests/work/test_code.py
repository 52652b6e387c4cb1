"""The code of plugins is in records; a change under one version is said, before any work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from altered import altered
from folders import TOY
from made_processes import MAIN, environment

PLUGIN = """\
from effbench import hookimpl
from effbench_toy import WordsEncoder

class Mine(WordsEncoder):
    version = 1
    requires = {"faiss": "effbench[faiss-cpu]"}

@hookimpl
def effbench_encoders():
    return {"mine": Mine}
"""
SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders: {mine: {use: mine, pause_ms: 0.0}}
indexes: {plain: {use: plain}}
latency: false
"""
CHANGED = "plugin 'mine' has changed since it made what is kept here, and its version has not"


@pytest.fixture
def effbench(tmp_path: Path, suite):
    """Run the command line in a process of its own, with a plugin in ``tmp_path / site``."""
    about = tmp_path / "site" / "mine-0.1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 0.1\n")
    (about / "entry_points.txt").write_text("[effbench]\nmine = mine\n")
    (tmp_path / "site" / "mine.py").write_text(PLUGIN)

    def start(command: str, text: str = SUITE) -> str:
        results = ("--results", str(tmp_path / "results")) if command == "run" else ()
        start = [sys.executable, "-c", MAIN, command]
        return subprocess.run(
            [*start, str(suite(text)), *results],
            env=environment(tmp_path / "site", TOY, EFFBENCH_PLUGINS="mine,toy"),
            check=True, capture_output=True, text=True,
        ).stderr  # fmt: skip

    return start


def record(folder: Path) -> dict:
    found = json.loads(next(folder.glob("results/*/toys/toy--mine--plain.json")).read_text())
    return {name: value for name, value in found.items() if name != "sha256"}


def test_a_change_of_code_under_one_version_is_said(effbench, tmp_path: Path) -> None:
    assert CHANGED not in effbench("run")
    before = record(tmp_path)["code"]
    assert set(before) == {"mine", "toy"}
    assert CHANGED not in effbench("run"), "nothing has changed"
    with (tmp_path / "site" / "mine.py").open("a") as file:
        file.write("\n# another line\n")
    assert CHANGED in effbench("plan")
    again = effbench("run")
    assert again.count(CHANGED) == 1
    assert "1 finished already" in again
    assert record(tmp_path)["code"] == before, "what the record holds was made by the old code"
    raised = altered(PLUGIN, "version = 1", "version = 2")
    (tmp_path / "site" / "mine.py").write_text(raised)
    assert CHANGED not in effbench("run")
    after = record(tmp_path)["code"]
    assert (after["mine"] != before["mine"], after["toy"] == before["toy"]) == (True, True)


def test_versions_of_required_packages_and_options_of_speed_are_in_records(
    effbench, tmp_path: Path
) -> None:
    pytest.importorskip("faiss")
    effbench("run")
    first = record(tmp_path)
    assert "faiss-cpu" in first["versions"]
    again = effbench("run", altered(SUITE, "pause_ms: 0.0", "pause_ms: 0.5"))
    assert "1 finished already" in again
    second = record(tmp_path)
    assert second["row"]["options"] == {"pause_ms": 0.5}
    assert {**second, "row": first["row"]} == first, "nothing else has changed"
