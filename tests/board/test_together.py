"""One table of quality for the rows of several machines, and their latencies by machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_changes import edit
from made_records import write_results
from made_tables import parsed

ROWS = ["big", "small"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results of two rows here, and of three there, whose scores differ."""
    write_results(tmp_path, rows=ROWS, datasets=1, machine="here")
    write_results(
        tmp_path, rows=[*ROWS, "third"], datasets=1, machine="there",
        created="2026-11-26T00:00:00+00:00",
    )  # fmt: skip
    return tmp_path


def parts(text: str) -> dict[str, list[str]]:
    """Return title -> the lines of its table, to the end of the line on the baseline."""
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    return {block[0]: block for block in blocks}


def scores(path: Path) -> float:
    return json.loads(path.read_text())["scores"]["nDCG@10"]


def test_machines_share_a_table_of_quality_not_of_latency(effbench, results) -> None:
    shown = parts(effbench("leaderboard", results).stdout)
    assert [*shown] == [
        "made on here and there: quality", "made on here: latency", "made on there: latency",
    ]  # fmt: skip
    quality, here, there = map(parsed, shown.values())
    assert [line["row"] for line in quality] == ["big", "small", "third"]
    assert [line["row"] for line in here] == ["big", "small"]
    assert len(there) == 3
    assert "end to end p50 ms" in here[0]
    assert not {"end to end p50 ms", "speed-up end to end"} & {*quality[0]}
    assert not {"nDCG@10", "kept", "rank"} & {*here[0]}


def test_the_newer_record_counts_and_differences_are_said(effbench, results: Path) -> None:
    text = effbench("leaderboard", results).stdout
    newer = scores(results / "there" / "made" / "data-0--0.json")
    older = scores(results / "here" / "made" / "data-0--0.json")
    quality = parsed(next(iter(parts(text).values())))
    assert quality[0]["nDCG@10"].startswith(f"{newer:.4f} ")
    assert newer != older
    assert "the machines have other scores for 2 of 3 cells; by nDCG@10 they differ by" in text


def test_equal_scores_are_not_remarked(effbench, tmp_path: Path) -> None:
    for machine in ("here", "there"):
        folder = write_results(tmp_path, rows=ROWS, datasets=1, machine=machine)
        for path in folder.glob("data-*.json"):
            first = tmp_path / "here" / "made" / path.name
            path.write_text(first.read_text())
    assert "other scores" not in effbench("leaderboard", tmp_path).stdout


def test_a_dataset_of_each_machine_makes_a_whole_row(effbench, tmp_path: Path) -> None:
    for machine, lost in (("here", 1), ("there", 0)):
        folder = write_results(tmp_path, rows=ROWS, datasets=2, machine=machine)
        for path in folder.glob(f"data-{lost}--*.json"):
            path.unlink()
    quality = parsed(effbench("leaderboard", tmp_path).stdout.split("\n\n")[0].splitlines())
    assert [line["rank"] for line in quality] != ["-", "-"]
    assert "not run yet" not in effbench("leaderboard", tmp_path).stdout


def test_a_failure_does_not_hide_the_scores_of_another_machine(effbench, results) -> None:
    path = results / "there" / "made" / "data-0--1.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"status": "failed", "error": "no GPU"}))
    text = effbench("leaderboard", results).stdout
    assert "data-0--1: failed on there: no GPU; that of here counts" in text
    quality = parsed(next(iter(parts(text).values())))
    assert [line["row"] for line in quality] == ["big", "small", "third"]


def test_chosen_columns_and_baseline_hold_in_the_parts(effbench, results: Path) -> None:
    asked = effbench("leaderboard", results, "--columns", "kept", "--baseline", "small").stdout
    (title,) = parts(asked)
    assert title == "made on here and there: quality"
    big, small, _ = parsed(parts(asked)[title])
    assert small["kept"] == "-"
    assert big["kept"].startswith("1")
    both = effbench("leaderboard", results, "--columns", "nDCG@10,encode p99 ms").stdout
    assert [*parsed(parts(both)["made on there: latency"] + ["baseline: "])[0]] == [
        "row", "index", "encode p99 ms",
    ]  # fmt: skip


def test_markdown_and_latex_share_the_table_and_programs_get_every_line(
    effbench, results: Path
) -> None:
    def written(form: str, *options: str) -> str:
        return effbench("leaderboard", results, "--format", form, *options).stdout

    assert written("markdown").count("## made on") == 3
    assert r"\label{tab:made-quality}" in written("latex")
    assert r"\label{tab:made-latency-there}" in written("latex")
    assert [table["machine"] for table in json.loads(written("json"))] == ["here", "there"]
    assert "## made on here\n" in written("markdown", "--machine", "here")


def test_older_data_are_left_out(effbench, results: Path) -> None:
    path = results / "there" / "made" / "data-0--0.json"
    edit(path, lambda record: record["per_query"]["nDCG@10"].pop("q0"))
    text = effbench("leaderboard", results).stdout
    assert "left out, since data-0 has other data now than they were measured on" in text
