"""Latency: what is sampled, and which percentiles may be shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from effbench.latency import percentile


@pytest.mark.parametrize(("percent", "fewest"), [(50, 11), (90, 64), (95, 130), (99, 662)])
def test_a_percentile_needs_its_samples(percent: int, fewest: int) -> None:
    samples = [float(i) for i in range(fewest)]
    assert percentile(samples[1:], percent) is None
    found = percentile(samples, percent)
    assert found is not None
    assert sum(sample <= found for sample in samples) / fewest >= percent / 100


def test_an_outlier_in_a_hundred_shows_in_p99_and_not_in_p50() -> None:
    samples = [1.0] * 990 + [200.0] * 10 + [1.0]
    assert percentile(samples, 50) == 1.0
    assert percentile(samples, 99) == 1.0
    assert percentile([*samples, 200.0], 99) == 200.0


SUITE = """\
suite: toys
datasets: [{use: toy}]
retrievers: {scan: {use: scan}}
latency: {queries: 15, warmup: 1}
"""


def sampled(folder: Path) -> dict:
    (path,) = folder.glob("*/toys/toy--scan.json")
    return json.loads(path.read_text())["latency"]


def test_new_terms_are_measured_anew_and_old_ones_are_not(effbench, suite, tmp_path) -> None:
    results = tmp_path / "results"
    effbench("run", suite(SUITE), "--results", results)
    first = sampled(results)
    assert first["queries"] == 15
    assert len(first["samples_ms"]["end_to_end"]) == 15
    effbench("run", suite(SUITE), "--results", results)
    assert sampled(results) == first
    found = effbench("run", suite(SUITE.replace("15", "12")), "--results", results)
    assert "1 cells done" in found.stderr
    assert len(sampled(results)["samples_ms"]["end_to_end"]) == 12


def test_it_can_be_left_out(effbench, suite, tmp_path) -> None:
    text = SUITE.replace("{queries: 15, warmup: 1}", "false")
    assert effbench("run", suite(text), "--results", tmp_path / "results").exit_code == 0
    assert sampled(tmp_path / "results") is None


TYPED = """\
suite: toys
datasets: [{use: folder, path: odd}]
encoders:
  words: {use: words}
  typed: {use: typed, passages: words}
indexes: {plain: {use: plain}}
latency: {queries: 15, warmup: 1}
"""


def test_words_read_while_the_user_types_are_off_the_clock(
    effbench, suite, tmp_path, monkeypatch
) -> None:
    """The clock is the number of calls that the encoder has logged."""
    log, odd = tmp_path / "log", tmp_path / "odd"
    monkeypatch.setenv("TOY_LOG", str(log))
    monkeypatch.setattr(
        "effbench.latency.perf_counter", lambda: len(log.read_text().splitlines())
    )
    queries = ["oak", "", " oak  lamp ", "oak lamp door"]
    (odd / "qrels").mkdir(parents=True)
    (odd / "corpus.jsonl").write_text('{"_id": "d", "text": "oak"}')
    (odd / "queries.jsonl").write_text(
        "\n".join(json.dumps({"_id": f"q{i}", "text": text}) for i, text in enumerate(queries))
    )
    judged = [f"q{i}\td\t1" for i in range(len(queries))]
    (odd / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *judged]))
    found = effbench("run", suite(TYPED), "--results", tmp_path / "results")
    assert found.exit_code == 0, found.output
    record = json.loads(next(tmp_path.glob("results/*/toys/*--typed--*.json")).read_text())
    samples = record["latency"]["samples_ms"]
    assert {name: sorted(sample) for name, sample in samples.items()} == {
        "encode": [1000.0] * 4,
        "after_last_word": [1000.0] * 4,
        "total_compute": [2000.0, 2000.0, 3000.0, 4000.0],
        "search": [0.0] * 4,
        "end_to_end": [1000.0] * 4,
    }
    lines = log.read_text().splitlines()
    assert "finish 'oak lamp door' after 'oak lamp '" in lines
    assert "advance 'oak lamp ' after 'oak '" in lines
    assert "finish ' oak  lamp ' after ' oak  '" in lines
    assert "finish '' after ''" in lines
