"""A run that is killed, and two runs at once, end in the records of an undisturbed run."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from folders import TOY
from made_processes import MAIN
from made_results import TEMPORARY

SUITE = """\
suite: toys
datasets: [{use: toy, docs: 3000}, {use: toy, name: more, docs: 2000}]
measures: [nDCG@10, RR@10]
encoders:
  words: {use: words, pause_ms: 0.1}
  wide: {use: words, width: 128, pause_ms: 0.1}
retrievers:
  scan: {use: scan}
indexes:
  plain: {use: plain}
latency: false
"""


def start(suite: Path, folder: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(TOY),
        "EFFBENCH_PLUGINS": "toy",
        "EFFBENCH_IN_PROCESS": "0",
        "TOY_LOG": str(folder / "log"),
    }
    folder.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-c",
        MAIN,
        "run",
        str(suite),
    ]
    command += ["--results", str(folder / "results"), "--cache", str(folder / "cache")]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)


def finals(folder: Path) -> dict[str, dict]:
    """Records without what time decides, and the runs' bytes."""
    found = {}
    for path in folder.glob("results/*/toys/toy--*.json"):
        record = json.loads(path.read_text())
        kept = {k: v for k, v in record.items() if k not in ("costs", "created", "sha256")}
        run = path.parent / "runs" / f"{path.stem}.trec.gz"
        found[path.stem] = {**kept, "run": run.read_bytes()}
    return found


def encoded(folder: Path) -> list[str]:
    lines = (folder / "log").read_text().splitlines()
    return [line for line in lines if line.startswith("encoded")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, float]:
    """The suite, the folder of a run that nothing disturbed, and the seconds it took."""
    path = tmp_path_factory.mktemp("suite") / "suite.yaml"
    path.write_text(SUITE)
    folder = tmp_path_factory.mktemp("undisturbed")
    begin = time.monotonic()
    assert finish(path, folder) == 0
    return path, folder, time.monotonic() - begin


def kill_and_resume(undisturbed: tuple[Path, Path, float], tmp_path: Path, kills: int) -> None:
    path, reference, seconds = undisturbed
    moments = random.Random(7)
    for number in range(kills):
        folder = tmp_path / f"killed-{number}"
        with start(path, folder) as process:
            time.sleep(moments.uniform(0.05, 0.95) * seconds)
            process.kill()
        finished = made(folder)
        assert finish(path, folder) == 0
        assert finals(folder) == finals(reference)
        assert finished.items() <= made(folder).items(), "what had finished was not made again"


def made(folder: Path) -> dict[str, int]:
    """When each step finished, by its key."""
    manifests = folder.glob("cache/*/*/manifest.json")
    return {path.parent.name: path.stat().st_mtime_ns for path in manifests}


def finish(suite: Path, folder: Path) -> int:
    with start(suite, folder) as process:
        return process.wait()


@pytest.mark.timeout(240)
def test_killed_and_resumed(undisturbed, tmp_path: Path) -> None:
    kill_and_resume(undisturbed, tmp_path, 2)


@pytest.mark.slow
def test_killed_at_ten_random_moments_and_resumed(undisturbed, tmp_path: Path) -> None:
    kill_and_resume(undisturbed, tmp_path, 10)


@pytest.mark.timeout(240)
def test_two_runs_at_once_share_the_work(undisturbed, tmp_path: Path) -> None:
    path, reference, _ = undisturbed
    folder = tmp_path / "two"
    with start(path, folder) as first, start(path, folder) as second:
        assert (first.wait(), second.wait()) == (0, 0)
    assert finals(folder) == finals(reference)
    assert sorted(encoded(folder)) == sorted(encoded(reference)), "nothing was encoded twice"


def test_the_temporary_files_of_a_killed_run_go(effbench, suite, here: Path) -> None:
    finished = ["run", suite(SUITE.replace("0.1}", "0}").replace("000}", "0}"))]
    assert effbench(*finished, "--cache", "cache").exit_code == 0
    folders = [*Path("cache").iterdir(), *Path("results").glob("*/toys"), Path("cache")]
    left = [folder / f"{TEMPORARY}.json" for folder in folders if folder.is_dir()]
    assert len(left) > 5
    for path in left:
        path.write_text("{}")
        os.utime(path, (0, 0))
    assert effbench(*finished, "--cache", "cache").exit_code == 0
    assert [path for path in left if path.exists()] == []
