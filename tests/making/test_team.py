"""Several workers: they share the shards of an encoding, and make later steps ahead."""

from __future__ import annotations

import re

import pytest

from effbench.steps import writing

SOURCE = """
import effbench.steps.writing
effbench.steps.writing.SHARD = 8

class Slow(WordsEncoder):
    def encode_corpus(self, docs):
        print("encoder in", os.getpid())
        __import__("time").sleep(0.3)
        return super().encode_corpus(docs)

class Late(PlainIndex):
    def __init__(self, *, name: str): super().__init__()
    def build(self, vectors):
        print("index in", os.getpid())
        __import__("time").sleep(0.3)
        super().build(vectors)

@effbench.hookimpl
def effbench_encoders(): return {"slow": Slow}
@effbench.hookimpl
def effbench_indexes(): return {"late": Late}
"""

SUITE = """\
suite: shared
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  slow: {use: slow}
indexes:
  one: {use: late, name: one}
  two: {use: late, name: two}
  three: {use: late, name: three}
latency: false
"""


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(writing, "SHARD", 8)  # the plugin sets it in the workers too


def pids(kind: str, output: str) -> set[str]:
    return set(re.findall(rf"{kind} in (\d+)", output))


def test_several_workers_share_shards_and_steps(mine, run, tmp_path) -> None:
    mine(SOURCE)
    whole = run(SUITE, "--cache", tmp_path / "whole")
    assert whole.exit_code == 0, whole.output
    assert len(pids("encoder", whole.output)) == 1
    places = "--cache", tmp_path / "shared", "--results", tmp_path / "2"
    shared = run(SUITE, *places, "--devices", "cpu,cpu")
    assert shared.exit_code == 0, shared.output
    assert len(pids("encoder", shared.output)) == 2
    assert len(pids("index", shared.output)) == 2
    runs = [
        sorted(path.read_bytes() for path in (tmp_path / place).glob("run/*/run.trec"))
        for place in ("whole", "shared")
    ]
    assert len(runs[0]) == 3
    assert runs[0] == runs[1]


def test_a_failure_in_a_piece_is_told_once(mine, run) -> None:
    mine(SOURCE.replace("return super().encode_corpus(docs)", "raise ValueError('no luck')"))
    result = run(SUITE, "--devices", "cpu,cpu")
    assert result.exit_code == 1
    assert result.output.count("ValueError: no luck") == 1
    assert result.output.count("failed, as said above") == 2


def test_devices_are_named(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert "has an empty name" in run(SUITE, "--devices", "cpu,").output
    assert "this machine has no GPU" in run(SUITE, "--devices", "all").output
