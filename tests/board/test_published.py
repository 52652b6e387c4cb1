"""Result files of mteb as published rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_records import mteb_lines, write_task


def test_published_scores_are_rows_without_latency(effbench, named: Path, tmp_path) -> None:
    folder = tmp_path / "published" / "someone__model" / "abc"
    write_task(folder, "SciFact", {"ndcg_at_10": 0.7, "mrr_at_10": 0.6})
    found = mteb_lines(effbench, named, "--published", tmp_path / "published")
    own = found["someone/model (published)"]
    assert own["nDCG@10 scifact/test"] == 0.7
    assert own["datasets"] == "1 of 2"
    assert own["mean nDCG@10"] is None
    assert own["encode p50 ms"] is None
    write_task(folder, "FiQA2018", {"ndcg_at_10": 0.5})
    (folder / "model_meta.json").write_text(json.dumps({"name": "someone/else"}))
    found = mteb_lines(effbench, named, "--published", tmp_path / "published")
    own = found["someone/else (published)"]
    assert own["mean nDCG@10"] == pytest.approx(0.6)
    assert own["rank"] is None
    assert own["kept"] == pytest.approx(0.6 / found["big"]["mean nDCG@10"])
    assert found["big"]["rank"] == 1, "what has values of queries is ranked as before"


def test_what_is_no_result_file_is_one_line(effbench, named: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    found = effbench("leaderboard", named, "--published", tmp_path / "none")
    assert found.exit_code == 2
    assert "no result files of mteb there" in found.stderr


OLD = {"mteb_dataset_name": "SciFact", "mteb_version": "1.0.3", "test": {"ndcg_at_10": 0.5}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ("\xff", "cannot be read"),
        ("[" * 99999, "cannot be read"),
        ("[1]", "expected `object`, got `array` (is it a result file of mteb?)"),
        ('{"task_name": "SciFact"}', "there is no `scores` (is it a result file of mteb?)"),
        ('{"task_name": "SciFact", "scores": [1]}', "scores: expected `object`"),
        ('{"task_name": ["SciFact"], "scores": {}}', "task_name: expected `str`"),
        (json.dumps(OLD), "a result file of mteb before 1.11"),
        ("null", "test: not exactly one subset"),
        ("[]", "test: not exactly one subset"),
        ("[7]", "test: not exactly one subset"),
        ('{"ndcg_at_10": 0.5}', "test: not exactly one subset"),
        ('[{"ndcg_at_10": 0.5}, {"ndcg_at_10": 0.6}]', "test: not exactly one subset"),
        *(
            (f'[{{"ndcg_at_10": {score}}}]', "test: ndcg_at_10 is no number from 0 to 1: ")
            for score in ("null", "NaN", "Infinity", '"0.5"', "true", "[0.5]", "64.5", "-0.1",
                          "1e999", "[" * 9 + "]" * 9, "9" * 400)
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_and_hides_nothing(
    effbench, named: Path, tmp_path: Path, content: str, said: str
) -> None:
    root = tmp_path / "published"
    write_task(root / "some__model" / "1", "SciFact", {"ndcg_at_10": 0.7})
    bad = root / "some__model" / "2" / "SciFact.json"
    bad.parent.mkdir()
    if said.startswith("test: "):
        content = f'{{"task_name": "SciFact", "scores": {{"test": {content}}}}}'
    bad.write_bytes(content.encode("latin-1"))
    found = effbench("leaderboard", named, "--format", "json", "--published", root)
    assert found.exit_code == 1, found.output
    (line,) = found.stderr.splitlines()
    assert line.startswith(f"left out: {bad}: {said}")
    (table,) = json.loads(found.stdout)
    scores = {line["row"]: line["nDCG@10 scifact/test"] for line in table["lines"]}
    assert scores["some/model (published)"] == 0.7
    assert len(scores) == 3
    assert line.removeprefix("left out: ") in table["remarks"]


@pytest.mark.parametrize("meta", ["{", "[]", "{}", '{"name": 7}', '{"name": "\\ud800"}'])
def test_a_model_has_its_folders_name_where_it_says_none(
    effbench, named: Path, tmp_path: Path, meta: str
) -> None:
    folder = tmp_path / "published" / "some__model" / "1"
    write_task(folder, "SciFact", {"ndcg_at_10": 0.7})
    (folder / "model_meta.json").write_text(meta)
    found = effbench("leaderboard", named, "--format", "csv", "--published", folder)
    row = r"\ud800 (published)" if "ud800" in meta else "some/model (published)"
    assert row in found.stdout
    assert found.exit_code == (0 if "ud800" in meta else 1)
    assert ("model_meta.json: " in found.stderr) == (found.exit_code == 1)


def test_two_revisions_of_a_model_are_two_rows(effbench, named: Path, tmp_path) -> None:
    root = tmp_path / "published"
    write_task(root / "some__model" / "old", "SciFact", {"ndcg_at_10": 0.7})
    write_task(root / "some__model" / "new", "SciFact", {"ndcg_at_10": 0.6})
    write_task(root / "some__model" / "new", "FiQA2018", {"ndcg_at_10": 0.5})
    found = mteb_lines(effbench, named, "--published", root, "--published", root)
    assert found["some/model old (published)"]["nDCG@10 scifact/test"] == 0.7
    assert found["some/model old (published)"]["mean nDCG@10"] is None
    assert found["some/model new (published)"]["mean nDCG@10"] == pytest.approx(0.55)


def test_a_task_that_is_there_twice_counts_once(effbench, named: Path, tmp_path) -> None:
    folder = tmp_path / "published" / "some__model" / "1"
    write_task(folder, "SciFact", {"ndcg_at_10": 0.7}).rename(folder / "A.json")
    write_task(folder, "SciFact", {"ndcg_at_10": 0.6})
    found = effbench("leaderboard", named, "--format", "csv", "--published", folder)
    assert found.exit_code == 1
    assert (
        "SciFact.json: test: SciFact of that model and revision is there twice" in found.stderr
    )
    assert ",0.7," in found.stdout
    assert ",0.6," not in found.stdout
