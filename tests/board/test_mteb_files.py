"""mteb's result files: read as published rows, written from our records."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from effbench.board.mteb_files import measure_key, task_of
from made_records import mteb_lines


def test_our_rows_are_read_back(effbench, named: Path, tmp_path: Path) -> None:
    output = tmp_path / "mteb"
    made = effbench("leaderboard", named, "--format", "mteb", "--output", output)
    assert made.exit_code == 0, made.output
    files = sorted(path.name for path in output.rglob("*.json"))
    assert files == sorted(["FiQA2018.json", "SciFact.json", "model_meta.json"] * 2)
    found = mteb_lines(effbench, named, "--published", output)
    for row in ("big", "small"):
        assert found[f"{row} (published)"]["mean nDCG@10"] == found[row]["mean nDCG@10"]


def test_mteb_itself_reads_what_we_write(effbench, named: Path, tmp_path: Path) -> None:
    import mteb

    output = tmp_path / "mteb"
    effbench("leaderboard", named, "--format", "mteb", "--output", output)
    path = next(output.rglob("SciFact.json"))
    found = mteb.TaskResult.from_disk(path)
    assert found.task_name == "SciFact"
    assert found.scores["test"][0]["ndcg_at_10"] > 0


def test_two_machines_do_not_fit_into_one_file(effbench, named: Path, tmp_path: Path) -> None:
    (machine,) = named.iterdir()
    shutil.copytree(machine, named / "another")
    refused = effbench("leaderboard", named, "--format", "mteb", "--output", tmp_path / "m")
    assert refused.exit_code == 2
    assert "two records of scifact/test" in refused.stderr
    assert "(choose with --suite and --machine)" in refused.stderr
    options = ("--machine", "another", "--format", "mteb", "--output", tmp_path / "m")
    assert effbench("leaderboard", named, *options).exit_code == 0


@pytest.mark.parametrize(
    ("dataset", "task"),
    [
        ("beir/fiqa/test", ("FiQA2018", "test")),
        ("beir/msmarco/dev", ("MSMARCO", "dev")),
        ("beir/cqadupstack/android", ("CQADupstackAndroidRetrieval", "test")),
        ("beir/webis-touche2020/v2", ("Touche2020", "test")),
        ("nfcorpus/test", ("NFCorpus", "test")),
        ("my/own", ("my/own", "test")),
    ],
)
def test_datasets_have_mtebs_names(dataset: str, task: tuple[str, str]) -> None:
    assert task_of(dataset) == task


def test_measures_have_mtebs_names() -> None:
    assert measure_key("nDCG@10") == "ndcg_at_10"
    assert measure_key("R@100") == "recall_at_100"
    assert measure_key("Judged@10") is None
