"""Two rows compared, from records and made-up sessions."""

from __future__ import annotations

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
