"""Datasets of plugins whose items would be misread: the right number, or an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders: {words: {use: words}}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""
WHO = "dataset 'careless' (plugin hostile): "


@pytest.fixture
def run(effbench, suite, tmp_path: Path):
    """Run the suite on a careless dataset, or on toys; return its records by row."""

    def start(habit: str = ""):
        careless = f"{{use: careless-docs, habit: {habit}}}"
        text = SUITE.replace("{use: toy}", careless) if habit else SUITE
        found = effbench("run", suite(text), "--results", tmp_path / f"results {habit}")
        paths = (tmp_path / f"results {habit}").glob("*/toys/*--*.json")
        records = [json.loads(path.read_text()) for path in paths]
        return found, {record["row"]["name"]: record for record in records}

    return start


def test_an_object_that_is_filled_again_and_again_is_many_docs_and_queries(run) -> None:
    (reused, toys) = (run(habit)[1] for habit in ("reuses", ""))
    for row in ("words", "scan"):
        assert reused[row]["per_query"] == toys[row]["per_query"]
        assert toys[row]["scores"]["nDCG@10"] > 0.9


@pytest.mark.parametrize(
    ("habit", "message"),
    [
        ("part", "its corpus has 23 docs, its docs_count says 60 (was it read in part, or"),
        ("dicts", "AttributeError: 'dict' object has no attribute 'doc_id'"),
    ],
)
def test_docs_that_are_none_or_not_all_are_no_corpus(run, habit: str, message: str) -> None:
    found, records = run(habit)
    assert found.exit_code == 1
    for row in ("words", "scan"):
        assert records[row]["error"].startswith(WHO + message)


def test_a_retriever_that_would_get_other_docs_the_second_time_is_not_searched(run) -> None:
    found, records = run("once")
    assert found.exit_code == 1
    assert records["scan"]["error"].startswith(f"{WHO}its docs are others than when they were")


def test_a_dataset_that_does_not_know_its_size_is_taken(run) -> None:
    found, records = run("uncounted")
    assert found.exit_code == 0
    assert records["words"]["scores"]["nDCG@10"] > 0.9


@pytest.mark.parametrize(
    ("habit", "said"), [("number", "dataset_id is 7"), ("none", "corpus_key is None")]
)
def test_names_and_keys_that_are_no_strings_are_refused_when_planning(run, habit, said) -> None:
    found, _ = run(habit)
    assert found.exit_code == 2
    assert f"plugin hostile): its {said} (give a string" in found.output


def test_another_dataset_of_one_corpus_key_does_not_take_its_vectors(
    effbench, suite, tmp_path: Path
) -> None:
    both = "{use: own-key, docs: 60}, {use: own-key, docs: 80}"
    found = effbench(
        "run", suite(SUITE.replace("{use: toy}", both)), "--results", tmp_path / "results"
    )
    assert found.exit_code == 1
    assert "its corpus has 60 docs, its docs_count says 80" in found.output
