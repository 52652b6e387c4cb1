"""A model of the hub that moves on in the hub's cache is said: keys hold its name."""

from __future__ import annotations

import json
from pathlib import Path

import effbench_toy
import pytest

from effbench import ModelId

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders: {given: {use: table-in, model: some/model}}
indexes: {plain: {use: plain}}
latency: false
"""
SAID = "model some/model is another one in the hub's cache than when it made what is kept here"


@pytest.fixture
def refs(tmp_path: Path, monkeypatch) -> Path:
    """Where the hub's cache keeps the commits of a model's branches and tags."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = tmp_path / "hub" / "models--some--model" / "refs"
    folder.mkdir(parents=True)
    (folder / "main").write_text("aaaa")
    return folder


def from_hub(model: ModelId, *, revision: str | None = None) -> effbench_toy.WordsEncoder:
    return effbench_toy.WordsEncoder()


@pytest.fixture
def run(effbench, suite, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(effbench_toy, "table_in", from_hub)

    def run(command: str = "run", text: str = SUITE) -> str:
        where = ("--results", tmp_path / "results") if command == "run" else ()
        found = effbench(command, suite(text), *where)
        assert found.exit_code == 0, found.output
        return found.stderr + found.stdout

    return run


def test_a_model_that_moves_on_is_said(run, refs: Path, tmp_path: Path) -> None:
    assert SAID not in run()
    assert SAID not in run(), "nothing has changed"
    (path,) = tmp_path.glob("results/*/toys/toy--given--plain.json")
    assert json.loads(path.read_text())["code"]["model some/model"] == ["aaaa"]
    (refs / "main").write_text("bbbb")
    assert SAID in run("plan")
    assert SAID in run()
    pinned = SUITE.replace("some/model", "some/model, revision: aaaa")
    assert SAID not in run(text=pinned), "a commit stays what it is"
