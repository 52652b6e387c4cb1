"""What stands in a table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from effbench.views.layout import table_lines
from made_records import write_results
from made_tables import hidden, made, parsed


def test_single_datasets_are_named_where_they_are_few(tmp_path: Path) -> None:
    few = list(table_lines(made(tmp_path / "few", datasets=2)))
    assert {"nDCG@10 data-0", "kept data-1"} <= {*hidden(few)}
    many = list(table_lines(made(tmp_path / "many", datasets=3)))
    assert "figures of single datasets" in hidden(many)
    assert "nDCG@10 data-0" not in hidden(many)


def test_datasets_are_counted_where_a_row_lacks_one(tmp_path: Path) -> None:
    whole = list(table_lines(made(tmp_path / "whole", datasets=2)))
    assert "datasets" not in parsed(whole)[0]
    lacking = made(tmp_path / "lacking", datasets=2, missing=["bm25"])
    cells = [line["datasets"] for line in parsed(list(table_lines(lacking)))]
    assert sorted(cells) == ["1 of 2", *["2 of 2"] * 4]


def test_a_measure_is_its_mean_where_there_are_several_datasets(
    tmp_path: Path, effbench
) -> None:
    made(tmp_path, datasets=2)
    lines = effbench("leaderboard", tmp_path, "--columns", "nDCG@10").stdout.splitlines()
    assert [*parsed([*lines, "baseline: "])[0]] == ["row", "index", "mean nDCG@10"]


def test_tables_name_their_baseline(compared) -> None:
    said = "baseline: small through exact"
    assert f"\n{said}\n" in compared().stdout
    assert f"\n- {said}\n" in compared("--format", "markdown").stdout
    assert f" {said.title()[:9]}{said[9:]}. " in (
        compared("--format", "latex", "--suite", "made").stdout
    )
    assert said not in compared("--columns", "nDCG@10").stdout


def test_the_page_names_its_baseline(compared) -> None:
    pytest.importorskip("vl_convert")
    assert '"baseline_said":"small through exact"' in compared("--format", "html").stdout


def test_shares_of_rows_that_saw_the_collection_have_a_star(effbench, tmp_path: Path) -> None:
    folder = write_results(tmp_path, rows=["big", "seen", "fresh"], datasets=2)
    path = folder / "data-0--1.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"trained_on": ["corpus"]}))
    said = "*: the row's training saw data of the collection that measures it (trained on)"
    text = effbench("leaderboard", tmp_path).stdout
    assert text.count(f"\n{said}\n") == 1
    lines = {line["row"]: line for line in parsed(text.splitlines())}
    starred = {
        row: [name for name, cell in line.items() if "%*" in cell]
        for row, line in lines.items()
    }
    assert starred == {"big": [], "seen": ["kept"], "fresh": []}
    chosen = effbench("leaderboard", tmp_path, "--columns", "kept data-0,kept data-1").stdout
    (seen,) = (line for line in chosen.splitlines() if line.startswith("seen"))
    assert seen.count("%*") == 1
    assert "%* [" in effbench("leaderboard", tmp_path, "--format", "markdown").stdout
    exact = json.loads(effbench("leaderboard", tmp_path, "--format", "json").stdout)
    (seen,) = (line for line in exact[0]["lines"] if line["row"] == "seen")
    assert seen["trained on data-0"] == seen["trained on"] == "corpus"
    assert seen["trained on data-1"] == ""
    unseen = effbench("leaderboard", tmp_path, "--columns", "nDCG@10").stdout
    assert said not in unseen


def of_kinds(root: Path, **kinds: str) -> Path:
    """Make results of rows by their kind of vectors, and of an older row, `old`."""
    folder = write_results(root, rows=["old", *kinds], datasets=1)
    for path in folder.glob("data-*.json"):
        record = json.loads(path.read_text())
        if kind := kinds.get(record["row"]["name"]):
            costs = {"index_bytes": 0, "vectors_bytes": 2_500_000, "saved_bytes": 1_500_000}
            record |= {"vectors": kind, "costs": {**costs, "index_seconds": 7.5}}
        path.write_text(json.dumps(record))
    return root


def test_kinds_and_sizes_are_columns_and_older_rows_have_none(effbench, tmp_path) -> None:
    root = of_kinds(tmp_path, big="sparse", small="tokens")
    names = ("vectors", "index MB", "vectors MB", "saved MB", "index s")
    text = effbench("leaderboard", root, "--columns", ",".join(names)).stdout
    known, sparse, _ = parsed_of(text)
    assert [sparse[name] for name in names] == ["sparse", "0", "2.5", "1.5", "7.5"]
    assert [known[name] for name in names] == ["-", "0.001", "-", "-", "-"]


def test_a_single_kind_is_a_column_for_programs_alone(effbench, tmp_path) -> None:
    root = of_kinds(tmp_path, big="sparse", small="sparse")
    assert "vectors" not in parsed_of(effbench("leaderboard", root).stdout)[0]
    assert "| sparse |" not in effbench("leaderboard", root, "--format", "markdown").stdout
    chosen = parsed_of(effbench("leaderboard", root, "--columns", "vectors").stdout)
    assert [line["vectors"] for line in chosen] == ["-", "sparse", "sparse"]
    text = effbench("leaderboard", root, "--format", "csv").stdout
    kinds = [line["vectors"] for line in csv.DictReader(io.StringIO(text))]
    assert kinds == ["", "sparse", "sparse"]
    (table,) = json.loads(effbench("leaderboard", root, "--format", "json").stdout)
    assert [line["vectors"] for line in table["lines"]] == [None, "sparse", "sparse"]


def parsed_of(text: str) -> list[dict[str, str]]:
    return parsed([*text.splitlines(), "baseline: "])
