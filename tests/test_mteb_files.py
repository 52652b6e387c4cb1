"""mteb's result files: read as published rows, written from our records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from effbench.mteb_files import measure_key, task_of
from made_records import write_results


def write_task(folder: Path, task: str, scores: dict[str, float], split: str = "test") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    entry = {"hf_subset": "default", "languages": ["eng-Latn"], "main_score": 0, **scores}
    path = folder / f"{task}.json"
    content = {"task_name": task, "mteb_version": "2.20.0", "scores": {split: [entry]}}
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def results(tmp_path: Path) -> Path:
    root = tmp_path / "results"
    folder = write_results(root, rows=["big", "small"], datasets=2)
    for path in folder.rglob("*.json"):  # made datasets under the names of real ones
        text = path.read_text().replace("data-0", "scifact/test").replace("data-1", "beir/fiqa")
        path.write_text(text.replace("scifact/test--", "s--").replace("beir/fiqa--", "f--"))
        path.rename(path.with_name(path.name.replace("data-0", "s").replace("data-1", "f")))
    return root


def lines(effbench, results: Path, *options: object) -> dict[str, dict]:
    found = effbench("leaderboard", results, "--format", "json", *options)
    assert found.exit_code == 0, found.output
    (table,) = json.loads(found.stdout)
    return {line["row"]: line for line in table["lines"]}


def test_published_scores_are_rows_without_latency(effbench, results: Path, tmp_path) -> None:
    folder = tmp_path / "published" / "someone__model" / "abc"
    write_task(folder, "SciFact", {"ndcg_at_10": 0.7, "mrr_at_10": 0.6})
    found = lines(effbench, results, "--published", tmp_path / "published")
    own = found["someone/model (published)"]
    assert own["nDCG@10 scifact/test"] == 0.7
    assert own["datasets"] == "1 of 2"
    assert own["mean nDCG@10"] is None
    assert own["encode p50 ms"] is None
    write_task(folder, "FiQA2018", {"ndcg_at_10": 0.5})
    (folder / "model_meta.json").write_text(json.dumps({"name": "someone/else"}))
    found = lines(effbench, results, "--published", tmp_path / "published")
    own = found["someone/else (published)"]
    assert own["mean nDCG@10"] == pytest.approx(0.6)
    assert own["rank"] is None
    assert own["kept"] == pytest.approx(0.6 / found["big"]["mean nDCG@10"])
    assert found["big"]["rank"] == 1, "what has values of queries is ranked as before"


def test_our_rows_are_read_back(effbench, results: Path, tmp_path: Path) -> None:
    output = tmp_path / "mteb"
    made = effbench("leaderboard", results, "--format", "mteb", "--output", output)
    assert made.exit_code == 0, made.output
    files = sorted(path.name for path in output.rglob("*.json"))
    assert files == sorted(["FiQA2018.json", "SciFact.json", "model_meta.json"] * 2)
    found = lines(effbench, results, "--published", output)
    for row in ("big", "small"):
        assert found[f"{row} (published)"]["mean nDCG@10"] == found[row]["mean nDCG@10"]


def test_mteb_itself_reads_what_we_write(effbench, results: Path, tmp_path: Path) -> None:
    import mteb

    output = tmp_path / "mteb"
    effbench("leaderboard", results, "--format", "mteb", "--output", output)
    path = next(output.rglob("SciFact.json"))
    found = mteb.TaskResult.from_disk(path)
    assert found.task_name == "SciFact"
    assert found.scores["test"][0]["ndcg_at_10"] > 0


def test_what_is_no_result_file_is_one_line(effbench, results: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    found = effbench("leaderboard", results, "--published", tmp_path / "none")
    assert found.exit_code == 2
    assert "no result files of mteb there" in found.stderr
    (tmp_path / "none" / "x.json").write_text("{")
    found = effbench("leaderboard", results, "--published", tmp_path / "none")
    assert found.exit_code == 2
    assert "x.json: cannot be read" in found.stderr


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
