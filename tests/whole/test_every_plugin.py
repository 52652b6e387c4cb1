"""A suite that takes every ready row runs whole: both methods, and a third party's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from folders import ROOT, TESTS, TOY
from made_hub import WITHOUT_SUMS, made_collection, made_downloads
from made_processes import MAIN

THIRD_PARTY = TESTS / "third_party"
EVERY = """\
suite: every
datasets: [{use: folder, path: rivers}, {use: folder, path: animals}]
measures: [nDCG@10]
encoders: {every: true}
retrievers: {every: true}
indexes: {exact: {use: exact}}
latency: false
"""
STUDENTS = {"small-query-static", "small-query-gru", "small-query-2-layers"}
PROMPTED = {"soft-prompt-base", "soft-prompt-own", "soft-prompt-transfer"}
LETTERS = {"counted", "weighed"}
COMBINED = {"bm25-with-minilm", "bm25-then-minilm"}
SPARSE = {"opensearch-v2-distill", "opensearch-doc-v3-distill"}
PLAIN = {"bm25", "all-MiniLM-L6-v2", "bert-base-uncased"}
ROWS = PLAIN | SPARSE | COMBINED | STUDENTS | PROMPTED | LETTERS


@pytest.fixture
def third_party(tmp_path: Path) -> Path:
    """Return a folder that makes the package an installed one, as `pip install` would."""
    project = (THIRD_PARTY / "pyproject.toml").read_text()
    info = tmp_path / "site" / "effbench_letters-0.1.dist-info"
    info.mkdir(parents=True)
    about = "Metadata-Version: 2.1\nName: effbench-letters\nVersion: 0.1\n"
    (info / "METADATA").write_text(about)
    points = re.findall(r'^(\S+ = )"(effbench_\w+)"$', project, re.MULTILINE)
    lines = "".join(f"{name}{module}\n" for name, module in points)
    (info / "entry_points.txt").write_text(f"[effbench]\n{lines}")
    return info.parent


def started(third_party: Path, *arguments: object, **more: str) -> str:
    """Return what the program prints; it has all plugins of effbench and the package."""
    paths = [str(third_party), str(THIRD_PARTY), *filter(None, sys.path)]
    path = os.pathsep.join(path for path in paths if path != str(TOY))
    code = f"{WITHOUT_SUMS}; {MAIN}"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, **more},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["beir", "msmarco", "oag-qa"])
def test_the_main_suites_plan_both_methods_and_a_third_party(third_party, name: str) -> None:
    plan = json.loads(started(third_party, "plan", ROOT / "suites" / f"{name}.yaml", "--json"))
    datasets = {row["row"]: len(row["datasets"]) for row in plan["rows"]}
    assert set(datasets) >= ROWS
    assert {datasets[row] for row in ROWS} == {len(plan["datasets"])}, "all of them"
    trained = {row["row"] for row in plan["costs"]["rows"] if row["does"] == "train"}
    assert trained >= STUDENTS | {"soft-prompt-base", "weights"}


@pytest.mark.timeout(300)
def test_a_suite_of_every_plugin_runs(third_party, suite, tmp_path: Path) -> None:
    made_collection(tmp_path / "rivers", 14, ("train", "test"))
    made_collection(tmp_path / "animals", 9, ("test",))
    given = made_downloads(tmp_path / "downloads")
    results = tmp_path / "results"
    started(third_party, "run", suite(EVERY), "--results", results, **given)
    records = [json.loads(path.read_text()) for path in results.glob("*/every/*--*.json")]
    seen = {
        (record["row"]["name"], record["dataset"]): record["trained_on"] for record in records
    }
    datasets = ("rivers/test", "animals/test")
    assert set(seen) == {(row, dataset) for row in ROWS for dataset in datasets}
    assert all(record["scores"]["nDCG@10"] > 0 for record in records)
    assert seen["soft-prompt-own", "rivers/test"] == ["other judgments"]
    assert seen["soft-prompt-own", "animals/test"] == ["judgments"]
    assert seen["soft-prompt-transfer", "rivers/test"] == ["corpus", "queries"]
    assert seen["small-query-gru", "rivers/test"] == []
