"""A row compared with others, from records and made-up sessions."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from made_records import write_results
from made_sessions import TYPED, Board


def test_two_rows_are_compared_in_a_plain_sentence(board: Board) -> None:
    board.both()
    found = board.compare("typed", "words")
    assert found.exit_code == 0, found.output
    assert "typed keeps " in found.stdout
    assert "of words's nDCG@10, and is 10 [10, 10] times as fast (end to end)." in found.stdout
    assert "ms saved 9 [9, 9]" in found.stdout
    reverse = board.compare("words", "typed").stdout
    assert "words reaches " in reverse
    assert "takes 10 [10, 10] times as long (end to end)." in reverse
    same = board.compare("words", "words").stdout
    assert "which may be chance (p 1.00), and no difference in speed could be shown" in same


def test_a_comparison_for_programs(board: Board) -> None:
    board.both()
    first, second = json.loads(board.compare("typed", "words", "--json").stdout)
    assert (first["dataset"], second["dataset"]) == ("toy", "more")
    record = json.loads((board.folder / "toy--typed--plain.json").read_text())
    teacher = json.loads((board.folder / "toy--words--plain.json").read_text())
    assert first["score"] == record["scores"]["nDCG@10"]
    assert first["kept"]["value"] == pytest.approx(
        record["scores"]["nDCG@10"] / teacher["scores"]["nDCG@10"]
    )
    assert first["difference"]["low"] < first["difference"]["value"] < 0
    assert first["p"] < 0.05
    assert first["speedup"]["value"] == pytest.approx(10)
    assert first["other_milliseconds"]["value"] == pytest.approx(10)


def test_spans_are_compared_with_themselves(board: Board) -> None:
    board.both(typed={**TYPED, "end to end": [5.0] * 20})
    assert "is 2 [" in board.compare("typed", "words").stdout
    assert "times as fast (end to end)." in board.compare("typed", "words").stdout
    found = board.compare("typed", "words", "--span", "encode").stdout
    assert "encode p50 ms: typed 1 " in found
    assert "is 10 [10, 10] times as fast (encode)." in found
    wrong = board.compare("typed", "words", "--span", "encod")
    assert wrong.exit_code == 2
    assert "--span encod: no such span" in wrong.stderr


def test_a_retriever_is_compared_end_to_end_alone(effbench, tmp_path: Path) -> None:
    write_results(tmp_path, rows=["big"], datasets=1, retrievers={"scan": 2.1})

    def compare(*options: str) -> str:
        found = effbench("compare", "scan", "big", "--results", tmp_path, *options)
        assert found.exit_code == 0, found.output
        return str(found.stdout)

    assert "and is 5 [5, 5] times as fast (end to end)." in compare()
    assert "no latency session has enough of encode." in compare("--span", "encode")


def test_what_cannot_be_read_is_named(effbench, tmp_path: Path) -> None:
    folder = write_results(tmp_path, rows=["big", "small"], datasets=2)
    (folder / "data-0--1.json").write_text("{")
    found = effbench("compare", "small", "big", "--results", tmp_path)
    assert found.exit_code == 1
    assert "data-1 (30 queries)" in found.stdout
    assert found.stderr.startswith(f"left out: {folder / 'data-0--1.json'}: cannot be read")
    (folder / "data-1--1.json").write_text("{")
    found = effbench("compare", "small", "big", "--results", tmp_path)
    assert found.exit_code == 2
    assert "no row 'small' has run there" in found.stderr
    assert f"left out: {folder / 'data-1--1.json'}: cannot be read" in found.stderr


def test_what_cannot_be_compared_is_said(board: Board) -> None:
    assert "its speed cannot be compared" in board.compare("typed", "words").stdout
    board.both(unsteady=["toy--typed--plain"])
    found = board.compare("typed", "words", "--suite", "toys").stdout
    assert "note: typed is marked: unstable: in 100% of its blocks" in found
    assert "; its speed is not compared: a latency is marked." in found
    assert found.count("times as fast") == 1, "of the other dataset"
    for arguments, said in {
        ("typed", "word"): "no row 'word' has run there (did you mean 'words'?)",
        ("typed", "words", "--suite", "toy"): "no suite 'toy' has run there",
        (
            "typed",
            "words",
            "--measure",
            "RR@10",
        ): "have no dataset, index and measure",
        ("typed", "words", "--index", "plan"): "have no dataset, index and measure",
    }.items():
        refused = board.compare(*arguments)
        assert refused.exit_code == 2
        assert said in refused.stderr


def test_a_row_is_compared_with_several_in_a_table(effbench, tmp_path: Path) -> None:
    write_results(tmp_path, rows=["big", "dataset", "a|b"], datasets=2)

    def compare(*arguments: str) -> str:
        found = effbench("compare", *arguments, "--results", tmp_path)
        assert found.exit_code == 0, found.output
        return str(found.stdout)

    both = json.loads(compare("big", "dataset", "a|b", "--json"))
    places = [(one["dataset"], one["other"]) for one in both]
    assert places == [(f"data-{i}", other) for i in range(2) for other in ("dataset", "a|b")]
    assert json.loads(compare("big", "dataset", "a|b", "dataset", "--format", "json")) == both
    lines = compare("big", "dataset", "a|b", "--format", "markdown").splitlines()
    assert lines[:4] == [
        "## made on a-machine",
        "",
        "| dataset | queries | big nDCG@10 | - dataset | - a\\|b |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    first, second = both[:2]
    stars = [r"\*" if one["p"] < 0.05 else "" for one in both]
    assert {*stars} == {"", r"\*"}
    shown = [
        f"{one['difference']['value']:+.4f} (p {one['p']:.4f}{star})"
        for one, star in zip(both, stars, strict=True)
    ]
    assert lines[4] == f"| data-0 | 30 | {first['score']:.4f} | {shown[0]} | {shown[1]} |"
    assert lines[5].endswith(f" | {shown[2]} | {shown[3]} |")
    assert "Holm's correction for all 4; " in lines[-1]
    rows = list(
        csv.DictReader(io.StringIO(compare("big", "dataset", "a|b", "--format", "csv")))
    )
    assert [(row["dataset"], row["other"]) for row in rows] == places
    assert float(rows[1]["difference low"]) == second["difference"]["low"]
    assert rows[1]["suite"] == "made"


def test_p_is_corrected_for_all_pairs(effbench, tmp_path: Path) -> None:
    rows = [f"row-{i}" for i in range(40)]
    write_results(tmp_path, rows=rows, datasets=1)

    def p_values(*others: str) -> list[float]:
        found = effbench("compare", "row-0", *others, "--json", "--results", tmp_path)
        return [one["p"] for one in json.loads(found.stdout)]

    (alone,) = p_values("row-39")
    assert alone < 0.001
    together = p_values(*rows[1:])
    assert together[-1] >= alone
    assert together[-1] <= 0.002, "draws enough for 39 pairs"
    assert max(together) == 1


def test_each_of_several_must_be_comparable(effbench, tmp_path: Path) -> None:
    write_results(tmp_path, rows=["big", "small"], datasets=1)
    write_results(tmp_path, rows=["big", "third"], datasets=1, suite="more")
    for others, said in {
        ("big", "third"): "small and third have no dataset, index and measure in common",
        ("big", "thir"): "no row 'thir' has run there (did you mean 'third'?)",
    }.items():
        found = effbench("compare", "small", *others, "--results", tmp_path)
        assert found.exit_code == 2
        assert said in found.stderr
    assert effbench("compare", "small", "big", "--results", tmp_path).exit_code == 0
