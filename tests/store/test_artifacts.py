"""The store: what a kill, a disk or another run did to its files is noticed and never used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import effbench_toy
import numpy as np
import pytest

import effbench.run.runner as effbench_run
from altered import altered
from effbench.store.artifacts import Artifact
from effbench.store.disk import (
    listed,
)
from made_results import TEMPORARY

SHARDED = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
models:
  table: {use: table, targets: {texts: [{queries: {use: toy}}], encoder: words}}
encoders:
  words: {use: words}
  wide: {use: words, width: 96}
  table: {use: table, model: table, passages: words}
indexes: {plain: {use: plain}}
latency: false
"""


@pytest.fixture
def sharded(effbench, suite, tmp_path: Path, monkeypatch):
    """Run the suite in shards of 20 docs."""
    monkeypatch.setattr("effbench.steps.writing.SHARD", 20)
    return lambda: effbench("run", suite(SHARDED), "--results", tmp_path / "results")


@pytest.fixture
def values(tmp_path: Path):
    """Read the values of all queries."""

    def read() -> dict[str, dict]:
        paths = listed(tmp_path, "results/*/toys/*--*.json")
        return {path.stem: json.loads(path.read_text())["per_query"] for path in paths}

    return read


def forget(folder: Path, *kinds: str) -> None:
    """Remove the records, and some kinds of step, so that a run reads the others."""
    for path in folder.glob("results/*/toys/*--*.json"):
        path.unlink()
    for kind in ("run", *kinds):
        shutil.rmtree(folder / "cache" / kind)


def swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def shards(folder: Path) -> list[list[Path]]:
    """Return all files of each shard of the rows' passages, a row after the other."""
    return [
        sorted(step.glob(f"{number:05}.*"))
        for step in sorted(folder.glob("cache/encode/*"))
        if step.is_dir()
        for number in range(3)
    ]


def test_files_that_no_manifest_lists_are_not_used(sharded, values, tmp_path: Path) -> None:
    sharded()
    true = values()
    for step in [*tmp_path.glob("cache/encode/*"), *tmp_path.glob("cache/queries/*")]:
        if step.is_dir():
            for name in (TEMPORARY, "00099"):
                np.save(step / f"{name}.npy", np.ones((5, 64), dtype=np.float32))
                (step / f"{name}.ids").write_text("a\nb\nc\nd\ne\n")
    forget(tmp_path, "index")
    found = sharded()
    assert found.exit_code == 0, found.output
    assert values() == true


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("one", "other"), [((0,), (1,)), ((0, 1, 2), (3, 4, 5)), ((2,), (5,))], ids=str
)
def test_swapped_shards_are_noticed(sharded, values, tmp_path, finished, one, other) -> None:
    """Within a row's passages, or those of two rows."""
    sharded()
    true = values()
    before = shards(tmp_path)
    for numbers in zip(one, other, strict=True):
        for pair in zip(*(before[number] for number in numbers), strict=True):
            swap(*pair)
    forget(tmp_path, "index")
    if not finished:
        for path in tmp_path.glob("cache/encode/*/manifest.json"):
            path.unlink()
    found = sharded()
    assert (": lost or damaged, making it again" in found.stderr) == finished
    assert values() == true


@pytest.mark.parametrize("finished", [True, False])
def test_a_dropped_shard_is_noticed(sharded, values, tmp_path: Path, finished: bool) -> None:
    sharded()
    true = values()
    for path in shards(tmp_path)[1]:
        path.unlink()
    if not finished:
        (shards(tmp_path)[0][0].parent / "manifest.json").unlink()
    forget(tmp_path, "index")
    assert sharded().exit_code == 0
    assert values() == true


def test_the_manifest_of_another_step_is_none(sharded, values, tmp_path: Path) -> None:
    sharded()
    true = values()
    manifests = sorted(tmp_path.glob("cache/encode/*/manifest.json"))
    swap(*manifests)
    swap(*sorted(tmp_path.glob("cache/queries/*/manifest.json"))[:2])
    forget(tmp_path, "index")
    assert sharded().stderr.count("lost or damaged, making it again") == 4
    assert values() == true


@pytest.fixture
def _easily_pleased(monkeypatch) -> None:
    """A trainer that takes what it finds in its folder for a finished model."""
    train = effbench_toy.TableTrainer.train

    def easily(self, output_dir, *, seed):
        if not (output_dir / "words.txt").exists():
            train(self, output_dir, seed=seed)

    monkeypatch.setattr(effbench_toy.TableTrainer, "train", easily)


def damage_model(folder: Path) -> None:
    (words,) = folder.glob("cache/model/*/model/words.txt")
    lines = words.read_text().split("\n")
    words.write_text("\n".join(reversed(lines)))
    forget(folder, "queries")


@pytest.mark.usefixtures("_easily_pleased")
def test_a_damaged_model_is_not_sealed_anew(sharded, values, tmp_path: Path) -> None:
    sharded()
    true = values()
    damage_model(tmp_path)
    assert "/words.txt: lost or damaged, making it again" in sharded().stderr
    assert values() == true


@pytest.mark.usefixtures("_easily_pleased")
def test_nor_when_the_run_is_killed_after_it_has_noticed(
    sharded, values, tmp_path, monkeypatch
):
    sharded()
    true = values()
    damage_model(tmp_path)
    with monkeypatch.context() as killed:
        killed.setattr("effbench.steps.train.Train.make", _raise)
        sharded()
    assert sharded().exit_code == 0
    assert values() == true


def _raise(*_: object) -> None:
    raise RuntimeError("killed")


@pytest.mark.usefixtures("_easily_pleased")
def test_without_a_manifest_that_holds_nothing_proves_a_model(
    sharded, values, tmp_path
) -> None:
    sharded()
    true = values()
    (manifest,) = tmp_path.glob("cache/model/*/manifest.json")
    manifest.write_text(manifest.read_text()[:-20])
    damage_model(tmp_path)
    sharded()
    assert values() == true


def test_a_temporary_file_in_a_model_does_no_harm(sharded, tmp_path, monkeypatch) -> None:
    """Such as a kill left, when each file of a model had a checksum beside it."""
    finish = Artifact.finish

    def be_killed(artifact: Artifact, info: dict) -> None:
        if artifact.folder.parent.name == "model":
            raise RuntimeError("killed")
        finish(artifact, info)

    with monkeypatch.context() as killed:
        killed.setattr(Artifact, "finish", be_killed)
        sharded()
    (model,) = tmp_path.glob("cache/model/*/model")
    (model / ".4711.words.txt.sha256").write_text("")
    assert sharded().exit_code == 0
    forget(tmp_path, "queries")
    found = sharded()
    assert found.exit_code == 0
    assert "corrupt" not in found.stderr
    assert "train table with table" not in found.stderr


def test_a_model_replaced_after_the_plan_is_refused(
    effbench, suite, sharded, tmp_path: Path, monkeypatch
) -> None:
    sharded()
    (trained,) = tmp_path.glob("cache/model/*/model")
    shutil.copytree(trained, tmp_path / "model")
    given = altered(
        SHARDED,
        "  table: {use: table, model: table, passages: words}",
        "  given: {use: table-in, model: ./model, passages: words}",
    )
    planned = suite(given, "given.yaml")

    started = effbench_run.run

    def replace_then_run(*arguments, **options):
        (tmp_path / "model" / "words.txt").write_text("another")
        return started(*arguments, **options)

    monkeypatch.setattr(effbench_run, "run", replace_then_run)
    found = effbench("run", planned, "--results", tmp_path / "results")
    assert found.exit_code == 1
    told = f"encoder 'given' (plugin toy): {tmp_path / 'model'} has changed since the plan"
    assert told in found.stderr


def test_texts_replaced_after_the_plan_are_refused(effbench, suite, tmp_path, monkeypatch):
    (tmp_path / "texts.txt").write_text("apple boat\n")
    planned = suite(altered(SHARDED, "{queries: {use: toy}}", "{file: texts.txt}"))
    started = effbench_run.run

    def replace_then_run(*arguments, **options):
        (tmp_path / "texts.txt").write_text("other boat\n")
        return started(*arguments, **options)

    monkeypatch.setattr(effbench_run, "run", replace_then_run)
    found = effbench("run", planned, "--results", tmp_path / "results")
    assert found.exit_code == 1
    assert "texts.txt: has changed since the plan" in found.stderr
