"""The leaderboard: what it shows of records, and what it refuses to average."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altered import altered, first_altered
from effbench.store.disk import write_json
from made_records import write_results
from made_suites import GROUPED, STUDENT, lines_of


def test_a_group_counts_as_one_dataset(shown) -> None:
    line = lines_of(shown(GROUPED))["words", "plain depth=1"]
    pair = line["nDCG@10 pair"]
    assert line["mean nDCG@10"] == pytest.approx((line["nDCG@10 toy"] + pair) / 2, abs=1e-15)
    assert line["datasets"] == "2 of 2"
    assert 0 < pair < 1


def test_a_mean_needs_every_dataset(shown) -> None:
    broken = altered(GROUPED, "name: one, docs: 30", "name: one, docs: 30, broken: offline")
    text = shown(broken)
    line = lines_of(text)["words", "plain depth=1"]
    assert line["mean nDCG@10"] is None
    assert line["nDCG@10 pair"] is None
    assert line["datasets"] == "1 of 2"
    remarks = json.loads(text)[0]["remarks"]
    who = "dataset 'one' (plugin toy)"
    assert f"one--scan: FAILED: {who}: toy: the host cannot be reached (connect)" in remarks


def test_best_first_and_the_order_of_files_is_nothing(shown, effbench, tmp_path: Path) -> None:
    text = shown(GROUPED)
    (table,) = json.loads(text)
    means = [line["mean nDCG@10"] for line in table["lines"]]
    assert means == sorted(means, reverse=True)
    for path in sorted(tmp_path.glob("results/*/toys/*.json"), reverse=True):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    again = effbench("leaderboard", tmp_path / "results", "--format", "json")
    assert again.stdout == text


def test_students_keep_a_share_of_the_score_that_their_teacher_has_there(shown) -> None:
    text = altered(GROUPED, "retrievers:", STUDENT)
    found = lines_of(shown(text))
    for depth in (1, 10):
        teacher, student = (found[row, f"plain depth={depth}"] for row in ("words", "typed"))
        for kept, score in {
            "kept": "mean nDCG@10",
            "kept toy": "nDCG@10 toy",
            "kept pair": "nDCG@10 pair",
        }.items():
            assert student[kept] == student[score] / teacher[score]
            first = found["words", "plain depth=1"]
            assert teacher[kept] == (None if depth == 1 else teacher[score] / first[score])
        assert 0.1 < student["kept"] < 1
        bounds = f"[{student['kept low']:.1%}, {student['kept high']:.1%}]".replace("%", "")
        wanted = f" {student['kept']:.1%} {bounds} | {student['kept toy']:.1%} |"
        assert wanted in shown(text, "markdown")
        assert f"{student['kept']:.1%}" in shown(text, "table")


def test_a_share_needs_the_teachers_line(shown) -> None:
    text = altered(GROUPED, "retrievers:", STUDENT)
    assert "kept" not in shown(text, "markdown", "--only", "typed")
    found = lines_of(shown(text, "json", "--only", "typed"))
    assert found["typed", "plain depth=1"]["kept"] is None


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        ("{", "cannot be read"),
        ('{"a": 1}', "not a record of effbench"),
        ('{"schema": 999}', "schema 999 is newer than ours"),
    ],
)
def test_a_record_that_is_none_is_named_and_left_out(
    shown, effbench, tmp_path: Path, content: str, remark: str
) -> None:
    shown(GROUPED)
    (path,) = tmp_path.glob("results/*/toys/toy--scan.json")
    path.write_text(content)
    text = effbench("leaderboard", tmp_path / "results", "--format", "json").stdout
    (found,) = json.loads(text)[0]["remarks"]
    assert str(path) in found
    assert remark in found
    assert lines_of(text)["scan", ""]["datasets"] == "1 of 2"


def test_a_cut_corpus_is_said_to_be_one(shown, effbench, tmp_path: Path) -> None:
    cut = first_altered(
        GROUPED, "  - {use: toy}\n", "  - {use: cut, docs: 20, dataset: {use: toy}}\n"
    )
    (table,) = json.loads(shown(cut))
    assert "toy-cut-20: 20 docs of toy: scores are higher than with all" in table["remarks"]
    page = tmp_path / "board.html"
    effbench("leaderboard", tmp_path / "results", "--output", page)
    assert "corpus cut" in page.read_text()


SHARED = """\
suite: shared
datasets: [{use: toy}, {use: toy, name: more}, {use: toy, name: other, docs: 21}]
measures: [nDCG@10]
encoders: {words: {use: words, width: 16}}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain}}
latency: false
"""


def test_an_index_of_a_shared_corpus_counts_once(shown, tmp_path: Path) -> None:
    found = lines_of(shown(SHARED))
    for place, row in ((("words", "plain"), "words--plain"), (("scan", ""), "scan")):
        costs = {
            name: json.loads(
                next(tmp_path.glob(f"results/*/shared/{name}--{row}.json")).read_text()
            )["costs"]
            for name in ("toy", "more", "other")
        }
        assert costs["toy"]["index_key"] == costs["more"]["index_key"]
        assert costs["toy"]["index_key"] != costs["other"]["index_key"]
        for column, cost, unit in (("MB", "index_bytes", 1e6), ("s", "index_seconds", 1)):
            wanted = sum(costs[name][cost] for name in ("toy", "other")) / unit
            assert found[place][f"index {column}"] == pytest.approx(wanted)


def test_records_without_keys_of_indexes_are_added_up(effbench, tmp_path: Path) -> None:
    write_results(tmp_path, rows=["big"], datasets=3)
    found = lines_of(effbench("leaderboard", tmp_path, "--format", "json").stdout)
    assert found["big", "exact"]["index MB"] == pytest.approx(0.003)


def test_a_latency_that_is_not_measured_yet_is_missed(effbench, tmp_path: Path) -> None:
    folder = write_results(tmp_path, rows=["big", "small"], datasets=2)
    facts = json.loads((folder / "suite.json").read_text())
    facts.pop("sha256", None)
    facts["latency"]["conditions"] = {"protocol": 3, "threads": 1}
    write_json(folder / "suite.json", facts)
    said = "latency not measured yet"
    assert said not in effbench("leaderboard", tmp_path).stdout
    for dataset, where in (("data-1", " on data-1"), ("data-0", "")):
        next((folder / "latency").glob(f"{dataset}--*")).unlink()
        lines = effbench("leaderboard", tmp_path).stdout.splitlines()
        assert f"{said}{where} (effbench run SUITE measures it)" in lines
    facts["latency"]["conditions"] = {}
    write_json(folder / "suite.json", facts)
    assert said not in effbench("leaderboard", tmp_path).stdout


def test_a_latency_on_some_datasets_is_none_of_the_row(effbench, tmp_path: Path) -> None:
    folder = write_results(tmp_path, rows=["big", "small"], datasets=2)
    next((folder / "latency").glob("data-1--*")).unlink()
    found = effbench("leaderboard", tmp_path, "--budget", "9s")
    assert (
        "left out: no latency on data-1: big through exact, small through exact" in found.stdout
    )
