"""Runs in a cluster of Ray: deaths cost no more than a shard, and the records are the same."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import tiny_bert
from altered import replaced
from made_processes import MAIN, environment

pytest.importorskip("ray", reason="a cluster needs ray: effbench[ray]")

pytestmark = pytest.mark.slow

SOURCE = """
import effbench.steps.writing, effbench.steps.encode, signal, time
from pathlib import Path
effbench.steps.writing.SHARD = 8

def kill(): os.kill(os.getppid(), signal.SIGKILL); time.sleep(600)
def hang(): time.sleep(600)

class Slow(WordsEncoder):
    def encode_corpus(self, docs):
        print("encoder in", os.getpid())
        time.sleep(0.3)
        for harm in sorted(Path(os.environ["EFFBENCH_HARM"]).iterdir()):
            harm.unlink()
            globals()[harm.name]()
        return super().encode_corpus(docs)

@effbench.hookimpl
def effbench_encoders(): return {"slow": Slow}
"""

SUITE = """\
suite: shared
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  slow: {use: slow}
indexes:
  one: {use: plain}
latency: false
"""

TRAINED = """\
suite: trained
datasets: [{use: toy}]
measures: [nDCG@10]
models:
  gru:
    use: align
    base: BASE
    cell: gru
    epochs: 20
    warmup_steps: 0
    batch_size: BATCH
    targets: {encoder: words, texts: [{queries: {use: toy}}]}
encoders:
  words: {use: words}
  gru: {use: small-query, model: gru, passages: words}
indexes:
  plain: {use: plain}
latency: false
"""


def start(suite: Path, name: str, *options: str) -> subprocess.Popen[str]:
    folder = suite.parent
    places = ["--cache", str(folder / f"cache-{name}"), "--results", str(folder / name)]
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, "run", str(suite), *places, *options],
        cwd=folder,
        env=environment(RAY_ADDRESS="", OMP_NUM_THREADS="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    with process:
        output, _ = process.communicate(timeout=150)
    assert process.returncode == 0, output
    return output


def actors_and_workers(driver: int) -> list[psutil.Process]:
    children = psutil.Process(driver).children(recursive=True)
    named = [(child, " ".join(child.cmdline())) for child in children]
    return [child for child, name in named if "ray::Remote" in name or "making.worker" in name]


def kept(suite: Path, name: str) -> list[Any]:
    """Return what a run has kept that must not depend on where it was made."""
    paths = sorted((suite.parent / name).glob("*/*/*--*.json"))
    records = [json.loads(path.read_text()) for path in paths]
    runs = sorted((suite.parent / f"cache-{name}").glob("run/*/run.trec"))
    fields = ("cell", "status", "scores", "per_query", "queries")
    return [
        *([record.get(field) for field in fields] for record in records),
        *((path.parent.name, path.read_bytes()) for path in runs),
    ]


@pytest.mark.timeout(300)
def test_dead_drivers_actors_and_workers_change_no_record(
    mine, suite, tmp_path: Path, monkeypatch
) -> None:
    harm = tmp_path / "harm"
    harm.mkdir()
    monkeypatch.setenv("EFFBENCH_HARM", str(harm))
    mine(SOURCE)
    path = suite(SUITE)
    finish(start(path, "plain"))

    options = "--ray", "--devices", "cpu,cpu", "--patience", "6s"
    with start(path, "ray", *options) as driver:
        while len(list(tmp_path.glob("cache-ray/encode/*/*.json"))) < 2:
            assert driver.poll() is None, driver.communicate()[0]
            time.sleep(0.02)
        left = actors_and_workers(driver.pid)
        driver.kill()
    assert len(left) >= 4
    _, alive = psutil.wait_procs(left, 60)
    assert not alive, "they end with the driver"
    assert not list(tmp_path.glob("cache-ray/encode/*/manifest.json"))

    for name in ("hang", "kill"):
        (harm / name).touch()
    output = finish(start(path, "ray", *options))
    assert not list(harm.iterdir())
    assert "its worker process was lost with its node or its actor: " in output
    assert "its worker process made no progress for 6 s (it was ended; " in output
    assert "60 docs (60 done before)" in output
    assert output.count("encoder in") <= 8, "two deaths cost two shards; two were done before"
    assert kept(path, "ray") == kept(path, "plain")
    again = finish(start(path, "ray", *options))
    assert "1 finished already" in again


def test_two_workers_of_ray_train_give_the_model_of_one_with_twice_the_batch(
    suite, tmp_path: Path, monkeypatch
) -> None:
    pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")
    monkeypatch.delenv("EFFBENCH_PLUGINS", raising=False)
    base = str(tiny_bert.save(tmp_path / "base"))
    curves = []
    for batch, name, options in ((10, "plain", ()), (5, "ray", ("--ray", "--devices=cpu,cpu"))):
        path = suite(replaced(TRAINED, {"BASE": base, "BATCH": str(batch)}), f"{name}.yaml")
        output = finish(start(path, name, *options))
        assert "train gru with align" in output
        (curve,) = tmp_path.glob(f"cache-{name}/model/*/model/loss.json")
        curves.append([step["loss"] for step in json.loads(curve.read_text())[:20]])
        assert {fields[1] for fields in kept(path, name)[:2]} == {"done"}
    np.testing.assert_allclose(*curves, rtol=1e-3)
