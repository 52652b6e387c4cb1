"""A model of the hub is in the pack, as the hub's cache keeps it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from folders import TOY
from tiny_students import save_base

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SUITE = f"""\
suite: toys
datasets: [{{use: toy}}]
encoders: {{tiny: {{use: transformer, model: some/tiny, revision: {COMMIT}, device: cpu}}}}
indexes: {{exact: {{use: exact, device: cpu}}}}
latency: {{queries: 10, warmup: 4, processes: 1, timeout: 100, batches: []}}
"""
PROGRAM = "from effbench.cli.commands import main; main()"


def effbench(folder: Path, *arguments: object, **variables: str) -> str:
    # the lock of latency sessions is in TMPDIR; nobody reads these times
    places = {"HOME": str(folder / "nobody"), "TMPDIR": str(folder)}
    environment = {**os.environ, **places, **variables}
    environment["PYTHONPATH"] = os.pathsep.join([str(TOY), *sys.path])
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env=environment, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.slow
def test_a_model_of_the_hub_is_measured_where_no_hub_is(tmp_path: Path) -> None:
    place = "models--some--tiny/snapshots"
    save_base(tmp_path / "hf" / "hub" / place / COMMIT, layers=1)
    (tmp_path / "suite.yaml").write_text(SUITE)
    at_home = {"HF_HOME": str(tmp_path / "hf"), "EFFBENCH_MACHINE": "first"}
    effbench(tmp_path, "run", "suite.yaml", **at_home)
    effbench(tmp_path, "pack", "suite.yaml", "--output", "p", **at_home)
    shutil.rmtree(tmp_path / "hf")
    away = {"EFFBENCH_MACHINE": "second", "EFFBENCH_CACHE": str(tmp_path / "none")}
    effbench(tmp_path, "latency", "--pack", "p", "--results", "sent", **away)
    report = json.loads(effbench(tmp_path, "verify", "sent", "--pack", "p", "--json", **away))
    assert report["refused"] == []
    assert report["checked"]["sessions: keys of the pack"] == 1
