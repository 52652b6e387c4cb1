"""Two processes under torchrun train as one does with twice the batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PLUGINS = Path(__file__).parent / "plugins"
TOY = Path(__file__).parent / "toy"
SUITE = """\
suite: together
datasets: [{use: toy}]
measures: [nDCG@10]
models:
  gru:
    use: align
    base: BASE
    cell: gru
    epochs: 2
    warmup_steps: 0
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
encoders:
  words: {use: words}
  tuned: {use: small-query, model: tuned, passages: words}
indexes:
  plain: {use: plain}
latency: false
"""


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_two_processes_train_as_one(tmp_path: Path, shared: bool) -> None:
    pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")
    sys.path.insert(0, str(PLUGINS))
    import tiny_bert

    base = tiny_bert.save(tmp_path / "base")
    alone = curve(tmp_path / "alone", base, 10, ["effbench"], shared)
    launch = [sys.executable, "-m", "torch.distributed.run", "--no-python"]
    launch += ["--nproc-per-node", "2", "--master-port", "0", "effbench"]
    both = curve(tmp_path / "both", base, 5, launch, shared)
    assert len(alone) == len(both) == 18
    if shared:
        np.testing.assert_allclose(both, alone, rtol=1e-2)
    else:
        assert both[0] < alone[0] - 0.1, "a sum over half as many passages is smaller"


def curve(
    folder: Path, base: Path, batch: int, command: list[str], shared: bool
) -> list[float]:
    """Run the suite and return the losses of the model ``tuned``."""
    folder.mkdir()
    text = SUITE.replace("BASE", str(base)).replace("BATCH", str(batch))
    text = text.replace("negatives: 2", f"negatives: 2\n    shared_negatives: {shared}".lower())
    (folder / "suite.yaml").write_text(text)
    bin_folder = Path(sys.executable).parent
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    found = subprocess.run(
        [*command, "run", "suite.yaml", "--cache", "cache", "--results", "results"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TOY), "PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("together on") == 1, "one process shows the leaderboard"
    records = [
        json.loads(path.read_text()) for path in folder.glob("results/*/together/*--*.json")
    ]
    assert {record["status"] for record in records} == {"done"}
    curves = [
        json.loads(path.read_text()) for path in folder.glob("cache/model/*/model/loss.json")
    ]
    (losses,) = [one for one in curves if len(one) == 18]
    return [entry["loss"] for entry in losses]


def read(paths: Iterable[Path]) -> list[Any]:
    return [json.loads(path.read_text()) for path in paths]
