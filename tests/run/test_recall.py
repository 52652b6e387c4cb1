"""Recall: the share of the exact hits that an approximate index has, in records."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from altered import altered

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
k: 20
encoders:
  words: {use: words}
retrievers:
  scan: {use: scan}
indexes:
  near: {use: near, search: {miss: [0, 2, 3]}}
  plain: {use: plain}
latency: false
"""
CELLS = {miss: f"toy--words--near--miss={miss}" for miss in (0, 2, 3)}


def best(results: Path, cell: str, depth: int) -> dict[str, set[str]]:
    """Return the first hits of each query of an exported run."""
    (path,) = results.glob(f"*/toys/runs/{cell}.trec.gz")
    hits: dict[str, set[str]] = {}
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        query, _, doc, rank, *_ = line.split()
        if int(rank) <= depth:
            hits.setdefault(query, set()).add(doc)
    return hits


def test_each_search_setting_has_the_share_of_the_exact_hits(ran, tmp_path: Path) -> None:
    found, records = ran(SUITE)
    assert found.exit_code == 0, found.output
    exact = best(tmp_path / "results", "toy--words--plain", 10)
    for miss, name in CELLS.items():
        recall = records[name]["recall"]
        hits = best(tmp_path / "results", name, 10)
        expected = {q: len(docs & hits[q]) / 10 for q, docs in exact.items()}
        assert recall["per_query"] == {"R@10": pytest.approx(expected)}, miss
        mean = sum(expected.values()) / len(expected)
        assert recall["scores"] == {"R@10": pytest.approx(mean)}
        assert (recall["exact"], recall["key"]) == (
            "toy--words--plain",
            records["toy--words--plain"]["key"],
        )
    means = [records[name]["recall"]["scores"]["R@10"] for name in CELLS.values()]
    assert means[0] == 1 > means[2] > means[1] > 0
    assert "recall" not in records["toy--words--plain"], "it is exact"
    assert "recall" not in records["toy--scan"], "a retriever has no vectors"


@pytest.mark.parametrize(("k", "depths"), [(5, {"R@5"}), (100, {"R@10", "R@100"})])
def test_depths_are_those_that_a_run_has(ran, k: int, depths: set[str]) -> None:
    _, records = ran(altered(SUITE, "[nDCG@10]\nk: 20", f"[nDCG@5]\nk: {k}"))
    assert records[CELLS[2]]["recall"]["scores"].keys() == depths


def test_a_query_without_hits_has_found_nothing(ran) -> None:
    _, records = ran(altered(SUITE, "[0, 2, 3]", "[1]"))
    values = records["toy--words--near--miss=1"]["recall"]["per_query"]["R@10"]
    assert len(values) >= 30
    assert set(values.values()) == {0.0}


def test_an_exact_index_that_comes_later_gives_finished_records_their_recall(
    run, records, effbench, tmp_path: Path
) -> None:
    approximate = altered(SUITE, "  plain: {use: plain}\n", "")
    found = run(approximate)
    said = (
        "no index is exact, so the recall of near will not be known (add `exact: {use: exact}`"
    )
    assert said in found.stderr
    assert said in effbench("plan", tmp_path / "suite.yaml").stderr
    assert "recall" not in records()[CELLS[2]]
    before = records()[CELLS[2]]
    again = run(SUITE)
    assert said not in again.stderr
    assert "1 cell done, 4 finished already" in again.stderr
    after = records()[CELLS[2]]
    assert 0 < after.pop("recall")["scores"]["R@10"] < 1
    assert {**after, "sha256": 0} == {**before, "sha256": 0}
    assert "recall of" in again.stderr
    assert "recall of" not in run(SUITE).stderr, "it is not done again"


def test_a_failing_exact_index_costs_the_recall_alone(run, records) -> None:
    broken = altered(SUITE, "plain: {use: plain}", "odd: {use: odd-index, wrong: short}")
    found = run(broken)
    assert "1 failed" in found.stderr
    assert records()[CELLS[2]]["status"] == "done"
    assert "recall" not in records()[CELLS[2]]


def test_a_record_whose_recall_is_not_that_of_its_queries_is_refused(
    run, effbench, tmp_path: Path
) -> None:
    run(SUITE)
    (path,) = (tmp_path / "results").glob(f"*/toys/{CELLS[2]}.json")
    record = json.loads(path.read_text())
    del record["sha256"]
    record["schema"] = 1  # the first schema has no checksum
    record["recall"]["scores"]["R@10"] += 0.1
    path.write_text(json.dumps(record))
    found = effbench("leaderboard", tmp_path / "results")
    assert found.exit_code == 1
    assert "the mean of its queries' values" in found.stderr


def test_a_run_knows_before_it_works_that_there_will_be_a_recall(run) -> None:
    found = run(SUITE, "--columns", "exact hits@10")
    assert found.exit_code == 0, found.stderr
    assert "exact hits@10" in found.stdout
    approximate = altered(SUITE, "  plain: {use: plain}\n", "")
    refused = run(approximate, "--columns", "exact hits@10")
    assert "--columns exact hits@10: no such column" in refused.stderr


def test_an_index_that_says_it_is_exact_and_has_no_hits_gives_no_recall(
    run, records, monkeypatch: pytest.MonkeyPatch
) -> None:
    import effbench_toy

    monkeypatch.setattr(effbench_toy.NearIndex, "exact", staticmethod(lambda **_: True))
    monkeypatch.setattr(effbench_toy.PlainIndex, "exact", staticmethod(lambda **_: False))
    found = run(altered(SUITE, "[0, 2, 3]", "[1]"))
    assert found.exit_code == 0
    assert "toy--words--plain: no recall: " in found.stderr
    assert "query 'q0' has no hits, or stands elsewhere" in found.stderr
    assert "recall" not in records()["toy--words--plain"]


def raises(**_: object) -> bool:
    raise KeyError("no")


@pytest.mark.parametrize(
    ("exact", "said"),
    [
        (lambda **_: 1, "its exact returns 1 (return True or False)"),
        (raises, "its exact: KeyEr"),
    ],
)
def test_an_index_that_cannot_say_whether_it_is_exact_is_a_mistake_of_its_row(
    run, monkeypatch: pytest.MonkeyPatch, exact: object, said: str
) -> None:
    import effbench_toy

    monkeypatch.setattr(effbench_toy.NearIndex, "exact", staticmethod(exact))
    found = run(SUITE)
    assert found.exit_code == 2
    assert f"indexes.near: index 'near' (plugin toy): {said}" in found.stderr
