"""The suite that kills.py and corruptions.py disturb, and the functions that run it.

The suite has a small step of every kind: the toy plugins of the tests, saved indexes of faiss
and bm25s, and a real training with checkpoints. Each run is a fork of a process that has
imported all modules before.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

for name in ("OMP_NUM_THREADS", "HF_HUB_OFFLINE"):  # read when torch is imported, and the hub's
    os.environ.setdefault(name, "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["EFFBENCH_IN_PROCESS"] = "1"  # workers would not see the small shards

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "toy"), str(ROOT / "tests")]

HEAVY = (
    "bm25s", "effbench.cli.commands", "effbench.latency.measure", "effbench.board.leaderboard",
    "effbench.run.runner",
    "faiss", "effbench_small_query.training", "effbench_training.loop",
    "effbench_training.mining", "ir_measures", "pytrec_eval", "scipy.stats",
    "sentence_transformers",
)  # fmt: skip
SHARD = 16
"""Rows of a shard, so small that 40 docs make several shards."""
CHUNK_BYTES = 8_000
"""Memory of a chunk of a search, so small that every search has several chunks."""

QUICK = """\
suite: toys
datasets: [{use: toy, docs: 50}, {use: toy, name: more, docs: 40}]
measures: [nDCG@10, RR@10]
models:
  table: {use: table, targets: {texts: [{queries: target}, {titles: target}], encoder: words}}
  mined: {use: mine, hits: {dataset: target, row: words, index: plain, depth: 10}}
  centroids:
    use: centroids
    data: {examples: [{judgments: target, negatives: mined}], passages: words}
  nearest: {use: nearest, domains: {models: table, of: others, features: words, first: 10}}
STUDENT
encoders:
  words: {use: words}
  table: {use: table, model: table, passages: words}
  centroids: {use: table, model: centroids, passages: words}
  nearest: {use: table, model: nearest, passages: words}
ENCODER
indexes: {plain: {use: plain}, flat: {use: faiss, factory: Flat}}
retrievers: {bm25: {use: bm25}, scan: {use: scan}}
latency: false
"""
STUDENT = """\
  student:
    use: align
    base: ./base
    cell: static
    embeddings: free
    epochs: 4
    batch_size: 8
    warmup_steps: 0
    checkpoint_steps: 5
    targets: {texts: [{queries: {use: toy}}], encoder: words}
"""
ENCODER = "  student: {use: small-query, model: student, passages: words}\n"


class Ended(NamedTuple):
    """How a run ended."""

    code: int
    """Exit code; negative: the signal that ended it."""

    stderr: str
    stdout: str


def prepare(folder: Path, *, training: bool) -> Path:
    """Write the suite into ``folder``, with a training if asked, and import its modules."""
    folder.mkdir(parents=True, exist_ok=True)
    text = QUICK.replace("STUDENT\n", STUDENT if training else "")
    (folder / "suite.yaml").write_text(text.replace("ENCODER\n", ENCODER if training else ""))
    for module in HEAVY:
        importlib.import_module(module)
    importlib.import_module("tiny_students").save_base(folder / "base")
    writing = importlib.import_module("effbench.steps.writing")
    writing.SHARD = SHARD  # type: ignore[attr-defined]
    chunks = importlib.import_module("effbench.steps.chunks")
    chunks.CHUNK_BYTES = CHUNK_BYTES  # type: ignore[attr-defined]
    return folder / "suite.yaml"


def run(suite: Path, folder: Path, before: Callable[[], None] | None = None) -> Ended:
    """Run the suite with cache and results in ``folder``; first call ``before`` in the fork."""
    places = ["--results", str(folder / "results"), "--cache", str(folder / "cache")]
    return effbench(folder, "run", str(suite), *places, before=before)


def effbench(folder: Path, *arguments: str, before: Callable[[], None] | None = None) -> Ended:
    """Run a command of effbench in a fork of this process."""
    folder.mkdir(parents=True, exist_ok=True)
    stderr, stdout = folder / "stderr", folder / "stdout"
    pid = os.fork()
    if pid == 0:
        os._exit(_child(arguments, stderr, stdout, before))
    _, status = os.waitpid(pid, 0)
    return Ended(os.waitstatus_to_exitcode(status), stderr.read_text(), stdout.read_text())


def _child(
    arguments: tuple[str, ...], stderr: Path, stdout: Path, before: Callable[[], None] | None
) -> int:
    from effbench.cli.commands import main

    for path, number in ((stdout, 1), (stderr, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    try:
        if before:
            before()
        main(list(arguments))
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the records without the fields that differ from run to run."""
    records = {}
    for path in folder.glob("results/*/toys/*--*.json"):
        record = json.loads(path.read_text())
        for name in ("costs", "created", "sha256", "models"):
            record.pop(name, None)
        records[path.name] = record
    return records


def exported(folder: Path) -> dict[str, bytes]:
    """Return the bytes of the exported runs and of the texts of queries."""
    paths = [*folder.glob("results/*/toys/runs/*"), *folder.glob("results/*/toys/queries/*")]
    return {path.name: path.read_bytes() for path in paths}


def unsound(folder: Path) -> list[str]:
    """Return the steps in the cache that are unfinished or damaged."""
    from effbench.store.artifacts import Artifact

    places = [path for path in folder.glob("cache/*/*") if path.is_dir()]
    return [f"{path.parent.name}/{path.name}" for path in places if not Artifact(path).sound()]
