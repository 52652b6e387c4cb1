"""Trainings as users run them: killed and taken up, and two processes under torchrun."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_bert
from altered import replaced
from folders import TOY
from made_processes import MAIN

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")

SUITE = """\
suite: trained
datasets: [{use: toy}]
measures: [nDCG@10]
models:
  gru:
    use: align
    base: BASE
    cell: gru
    epochs: 40
    warmup_steps: 0
    batch_size: 8
    checkpoint_steps: 5
    targets: {encoder: words, texts: [{queries: {use: toy}}]}
  mined: {use: mine, hits: {dataset: {use: toy}, row: words, index: plain, depth: 20}}
  tuned:
    use: contrastive
    student: gru
    data: {examples: [{judgments: {use: toy}, negatives: mined}], passages: words}
    epochs: 6
    learning_rate: 0.01
    negatives: 2
    temperature: 0.1
    batch_size: BATCH
    shared_negatives: SHARED
encoders:
  words: {use: words}
  gru: {use: small-query, model: gru, passages: words}
  tuned: {use: small-query, model: tuned, passages: words}
indexes:
  plain: {use: plain}
latency: false
"""
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert.save(tmp_path_factory.mktemp("base"))


def start(
    folder: Path,
    base: Path,
    *,
    text: str = SUITE,
    processes: int = 1,
    batch: int = 10,
    shared: bool = True,
) -> subprocess.Popen[str]:
    folder.mkdir(parents=True, exist_ok=True)
    given = {"BASE": str(base), "BATCH": str(batch), "SHARED": str(shared).lower()}
    (folder / "suite.yaml").write_text(replaced(text, given))
    (folder / "program.py").write_text(MAIN)
    launch = [sys.executable, *(TORCHRUN if processes > 1 else ()), "program.py"]
    return subprocess.Popen(
        [*launch, "run", "suite.yaml", "--cache", "cache", "--results", "results"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TOY), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> None:
    with process:
        output, _ = process.communicate(timeout=150)
    assert process.returncode == 0, output
    assert output.count(" finished already, ") == 1, "one process reports"


def read(paths: Iterable[Path]) -> list[Any]:
    return [json.loads(path.read_text()) for path in sorted(paths)]


def scores(folder: Path) -> dict[str, Any]:
    records = read(folder.glob("results/*/trained/*--*.json"))
    assert {record["status"] for record in records} == {"done"}
    return {record["row"]["name"]: record["per_query"] for record in records}


def curves(folder: Path) -> dict[str, list[float]]:
    """Return the loss curves of the models ``tuned``, by key: a step an entry, 18 steps."""
    paths = folder.glob("cache/model/*/model/loss.json")
    found = {path.parent.parent.name: json.loads(path.read_text()) for path in paths}
    return {k: [one["loss"] for one in curve] for k, curve in found.items() if len(curve) == 18}


@pytest.mark.slow
def test_a_killed_training_is_taken_up_and_gives_the_same_scores(
    base: Path, tmp_path: Path
) -> None:
    finish(start(tmp_path / "whole", base))
    killed = tmp_path / "killed"
    with start(killed, base) as process:
        while not list(killed.glob("cache/model/*/model/checkpoints/*/trainer_state.json")):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    (checkpoints,) = killed.glob("cache/model/*/model/checkpoints")
    assert not (checkpoints.parent.parent / "manifest.json").exists()
    assert not (checkpoints.parent / "modules.json").exists()
    finish(start(killed, base))
    assert scores(killed) == scores(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_two_processes_train_as_one_with_twice_the_batch(
    base: Path, tmp_path: Path, shared: bool
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    finish(start(one, base, shared=shared))
    shutil.copytree(one / "cache", two / "cache")  # both tune the same student
    finish(start(two, base, processes=2, batch=5, shared=shared))
    (alone,) = curves(one).values()
    (together,) = (curve for key, curve in curves(two).items() if key not in curves(one))
    if shared:
        np.testing.assert_allclose(together, alone, rtol=1e-3)
    else:
        assert together[0] < alone[0] - 0.1, "a sum over half as many passages is smaller"


DOMAINS = """\
suite: domains
datasets:
  - {use: toy, name: a, docs: 40}
  - {use: toy, name: b, docs: 44}
  - {use: toy, name: c, docs: 48}
measures: [nDCG@10]
models:
  domain:
    use: prompt
    backbone: BASE
    length: 4
    epochs: 15
    batch_size: 4
    query_max_length: 16
    max_length: 24
    checkpoint_steps: 5
    data: {examples: [{training: target}]}
encoders:
  own: {use: soft-prompt, model: domain}
indexes:
  plain: {use: plain}
latency: false
"""


@pytest.mark.slow
def test_a_kill_among_many_prompts_goes_on_at_the_domain_that_was_cut_off(
    base: Path, tmp_path: Path
) -> None:
    finish(start(tmp_path / "whole", base, text=DOMAINS))
    killed = tmp_path / "killed"
    with start(killed, base, text=DOMAINS) as process:
        while not (
            list(killed.glob("cache/model/*/manifest.json"))
            and list(killed.glob("cache/model/*/model/checkpoints/*/trainer_state.json"))
        ):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    finished = list(killed.glob("cache/model/*/manifest.json"))
    (cut,) = killed.glob("cache/model/*/model/checkpoints")
    assert len(finished) == 1, "a is done, b was cut off, c had not begun"
    assert cut.parent.parent != finished[0].parent
    before = {path: path.stat().st_mtime_ns for path in finished[0].parent.rglob("prompt.*")}
    finish(start(killed, base, text=DOMAINS))
    assert before == {path: path.stat().st_mtime_ns for path in before}, (
        "a is not trained again"
    )
    wanted, found = (
        read((tmp_path / name).glob("results/*/domains/*--own--plain.json"))
        for name in ("whole", "killed")
    )
    assert len(found) == 3
    assert [one["per_query"] for one in found] == [one["per_query"] for one in wanted]
    losses = [
        [
            [step["loss"] for step in curve]
            for curve in read((tmp_path / name).glob("cache/model/*/model/loss.json"))
        ]
        for name in ("whole", "killed")
    ]
    assert losses[0] == losses[1]
