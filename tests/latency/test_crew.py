"""Worker processes of a latency session: they fail alone, and none outlives a run."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import psutil
import pytest

from altered import altered
from made_processes import MAIN, environment

TERMS = "{queries: 30, warmup: 12, processes: 2, timeout: 20}"
SUITE = f"""\
suite: toys
datasets: [{{use: toy}}]
encoders:
  words: {{use: words}}
  third: {{use: words}}
  other: ROW
indexes: {{plain: {{use: plain}}}}
latency: {TERMS}
"""


def with_row(row: str, terms: str = TERMS) -> str:
    return altered(altered(SUITE, "ROW", row), TERMS, terms)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ("crashes", "ended with code 7"),
        ("raises", "RuntimeError: out of luck"),
        ("hangs", "no answer in 5 s"),
        ("is killed", "killed by signal 9"),
    ],
)
def test_a_worker_that_fails_fails_its_row_alone(
    odd: str, said: str, effbench, suite, tmp_path
) -> None:
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    text = with_row(f"{{use: odd, odd: {odd}, passages: words}}", altered(TERMS, "20}", "5}"))
    found = effbench("run", suite(text), "--results", tmp_path / "r", "--json")
    assert found.exit_code == 1
    assert "FAILED toy--other--plain: latency: encoder 'other' (plugin toy): " in found.stderr
    assert said in found.stderr
    table = json.loads(found.stdout)[0]
    by_row = {line["row"]: line for line in table["lines"]}
    assert by_row["other"]["nDCG@10"] > 0.9
    assert by_row["other"]["encode p50 ms"] is None
    assert by_row["words"]["encode p50 ms"] > 0
    assert any(said in remark for remark in table["remarks"])
    assert {one.pid for one in psutil.Process().children(recursive=True)} <= before


def test_no_worker_outlives_a_run_that_is_killed(suite, tmp_path) -> None:
    text = with_row("{use: odd, odd: hangs, passages: words}")
    run = subprocess.Popen(
        [sys.executable, "-c", MAIN, "latency", str(suite(text)), "--results", "r"],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while len(workers := psutil.Process(run.pid).children()) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1)  # the row hangs by now
    run.kill()
    run.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive
    assert not list((tmp_path / "r").rglob("*.npz*")), "a session is written whole or not"
