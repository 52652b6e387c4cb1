"""What a plan says that a run will cost, held against what the run then takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from altered import altered
from made_costs import COSTLY, OTHER, bill, costs, finished, row_of, written

pytestmark = pytest.mark.usefixtures("here")


def test_counts_of_data_that_was_read_are_known(effbench, suite) -> None:
    finished(effbench("run", suite(COSTLY)))
    for kind in ("encode", "queries", "model", "run"):
        shutil.rmtree(Path("cache", kind))
    shutil.rmtree("results")
    before = costs(effbench, suite(COSTLY))
    words = row_of(before, "words")
    assert (words["docs"], words["queries"], words["texts"]) == (600, 300, 600)
    assert before["steps_of_unknown_time"] == before["steps_of_unknown_bytes"] == 0
    assert before["seconds"] > 0
    lines = bill(effbench, suite(COSTLY))
    assert lines[0].startswith("encode with words: 600 docs, 300 queries, 600 texts, about ")
    finished(effbench("run", suite(COSTLY)))
    truth = sum(map(written, ("encode", "queries", "model", "run")))
    assert before["bytes_at_least"] <= truth
    assert before["bytes"] == pytest.approx(truth, rel=0.03)
    assert 0.97 * (written("encode") + written("queries")) <= before["bytes_at_least"]


def test_a_pace_is_that_of_the_same_options_and_the_same_device(effbench, suite) -> None:
    finished(effbench("run", suite(COSTLY)))
    for text, arguments in (
        (altered(OTHER, "pause_ms: 1", "pause_ms: 2"), ()),
        (altered(OTHER, "pause_ms: 1", "pause_ms: 1, width: 32"), ()),
        (OTHER, ("--device", "cuda")),
    ):
        words = row_of(costs(effbench, suite(text, "other.yaml"), *arguments), "words")
        assert words["seconds"] == 0, text
        assert words["as"] == []


def test_what_has_been_encoded_of_a_corpus_is_not_written_again(effbench, suite) -> None:
    finished(effbench("run", suite(COSTLY)))
    (manifest,) = Path("cache").glob("encode/*/manifest.json")
    manifest.unlink()  # as a killed run leaves its shards
    shutil.rmtree("cache/run")
    shutil.rmtree("results")
    left = costs(effbench, suite(COSTLY))
    assert (row_of(left, "words")["docs"], left["bytes_at_least"]) == (0, 0)
    assert not [line for line in bill(effbench, suite(COSTLY)) if line.startswith("encode")]
    (shard,) = Path("cache").glob("encode/*/[0-9]*.json")
    shard.rename(shard.with_name(f".0123456789abcdef.part{shard.suffix}"))
    left = costs(effbench, suite(COSTLY))
    assert row_of(left, "words")["docs"] == 600, "half a shard is none"


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_training_that_was_interrupted_tells_its_pace(
    effbench, suite, monkeypatch, interrupted: bool
) -> None:
    import effbench_stopping

    monkeypatch.setenv("STOPPING_LOG", "log")
    monkeypatch.setenv("TOY_LOG", "log")

    def wait() -> None:
        if interrupted:
            raise KeyboardInterrupt

    monkeypatch.setattr(effbench_stopping, "wait", wait)
    text = altered(
        altered(
            COSTLY,
            COSTLY[COSTLY.index("  table: {use: table, targets") : COSTLY.index("encoders:")],
            "  table: {use: stopping}\n",
        ),
        "use: table, model",
        "use: stopping-model, model",
    )
    text = altered(text, ", passages: words}\nretr", "}\nretr")
    path = suite(text)
    effbench("run", path)
    finished(effbench("run", path))
    shutil.rmtree("results")
    shutil.rmtree("cache/model")
    assert row_of(costs(effbench, path), "table", "train")["steps_of_unknown_time"] == 0


def test_a_plan_sees_damaged_artifacts(effbench, suite) -> None:
    path = suite(COSTLY)
    finished(effbench("run", path))
    (run, *_) = Path("cache").glob("run/*/run.trec")
    with run.open("a") as file:
        file.write("\n")
    (vectors,) = Path("cache").glob("encode/*/00000.npy")
    vectors.unlink()
    lines = finished(effbench("plan", path)).stdout.splitlines()
    again = [line for line in lines if line.startswith("again")]
    assert len(again) == 2
    assert any(f"{run} is lost or damaged" in line for line in again)
    assert lines[-1].endswith(" 2 of them to do")
    steps = json.loads(effbench("plan", path, "--json").stdout)["steps"]
    assert sum(not step["done"] for step in steps) == sum(len(s["damaged"]) for s in steps) == 2


def test_features_of_domains_are_encoded_too(effbench, suite) -> None:
    two = "datasets: [{use: toy}, {use: toy, name: b, docs: 20}]"
    text = altered(COSTLY, "datasets: [{use: toy, docs: 600}]", two)
    near = "  near: {use: nearest, domains: {models: table, of: others, features: words}}\n"
    text = altered(text, "{titles: {use: toy, docs: 600}}", "{titles: target}")
    text = altered(text, "encoders:\n", f"{near}encoders:\n  near: {{use: table, model: near, "
                        "passages: words}\n")  # fmt: skip
    found = json.loads(finished(effbench("plan", suite(text), "--json")).stdout)
    words = row_of(found["costs"], "words")
    steps = [step for step in found["steps"] if step["label"].startswith("encode words")]
    features = [step for step in steps if step["kind"] == "domain"]
    assert len(features) == 2
    assert words["docs"] == 2 * (60 + 20), "the corpora, and the features of both"
    assert words["steps_of_unknown_time"] == len(steps)
