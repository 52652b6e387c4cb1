"""A model of the hub that moves on in the hub's cache is said: keys hold its name."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import effbench_toy
import pytest

from altered import altered
from effbench import ModelId
from effbench.store.digests import Digests
from effbench.store.disk import (
    read_sealed,
    write_json,
)

FROM_HUB = """\
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
def hub_run(effbench, suite, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(effbench_toy, "table_in", from_hub)

    def run(command: str = "run", text: str = FROM_HUB) -> str:
        where = ("--results", tmp_path / "results") if command == "run" else ()
        found = effbench(command, suite(text), *where)
        assert found.exit_code == 0, found.output
        return found.stderr + found.stdout

    return run


def test_a_model_that_moves_on_is_said(hub_run, refs: Path, tmp_path: Path) -> None:
    assert SAID not in hub_run()
    assert SAID not in hub_run(), "nothing has changed"
    (path,) = tmp_path.glob("results/*/toys/toy--given--plain.json")
    assert json.loads(path.read_text())["code"]["model some/model"] == ["aaaa"]
    (refs / "main").write_text("bbbb")
    assert SAID in hub_run("plan")
    assert SAID in hub_run()
    pinned = altered(FROM_HUB, "some/model", "some/model, revision: aaaa")
    assert SAID not in hub_run(text=pinned), "a commit stays what it is"


def write_model(folder: Path, content: str, moment: int) -> None:
    folder.mkdir()
    (folder / "weights").write_text(content)
    os.utime(folder / "weights", (moment, moment))


def test_a_model_replaced_with_equal_size_and_time_has_another_digest(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("effbench.store.digests._TICK_NS", 0)  # remember it at once
    model, memory = tmp_path / "model", tmp_path / "digests.json"
    write_model(model, "one", 1_700_000_000)
    time.sleep(0.05)
    digests = Digests(memory)
    first = digests.of(model)
    digests.save()
    assert read_sealed(memory)[str(model / "weights")][0] == 3, "it is remembered"
    shutil.rmtree(model)
    write_model(model, "two", 1_700_000_000)
    assert Digests(memory).of(model) != first
    assert digests.of(model) != first, "in the same process too"


def test_a_folder_that_is_a_link_is_part_of_a_model(tmp_path: Path) -> None:
    write_model(tmp_path / "model", "one", 1)
    write_model(tmp_path / "shared", "mean", 1)
    (tmp_path / "model" / "pooling").symlink_to(tmp_path / "shared")
    (tmp_path / "shared" / "loop").symlink_to(tmp_path / "model")

    def digest() -> str:
        return Digests(tmp_path / "digests.json").of(tmp_path / "model")

    first = digest()
    assert digest() == first
    (tmp_path / "shared" / "weights").write_text("cls")
    assert digest() != first


def test_what_is_remembered_of_digests_is_not_trusted_when_damaged(tmp_path: Path) -> None:
    model, memory = tmp_path / "model", tmp_path / "digests.json"
    write_model(model, "one", 1_700_000_000)
    true = Digests(memory).of(model)
    stat = (model / "weights").stat()
    stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    write_json(memory, {str(model / "weights"): [*stamp, "0" * 64]})
    assert Digests(memory).of(model) != true, "what is remembered counts"
    memory.write_text(altered(memory.read_text(), "0" * 64, "1" * 64))
    assert Digests(memory).of(model) == true


def test_young_files_are_not_remembered(tmp_path: Path) -> None:
    """Changed once more in the same tick of the clock, they would look the same."""
    write_model(tmp_path / "model", "one", 1_700_000_000)
    digests = Digests(tmp_path / "digests.json")
    digests.of(tmp_path / "model")
    digests.save()
    assert not (tmp_path / "digests.json").exists()
