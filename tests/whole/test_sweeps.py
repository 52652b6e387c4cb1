"""Rows of sweeps, whose names have blanks: every command that takes or writes names."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from altered import altered

SWEPT = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  words: {use: words, sweep: {width: {a thin one: 16, wide--64: 64}}}
retrievers:
  scan: {use: scan}
indexes:
  plain: {use: plain, sweep: {lose: [0, 1]}}
latency: false
"""
TIMED = altered(SWEPT, "latency: false", "latency: {processes: 1, queries: 10, warmup: 2}")
THIN, WIDE = "words width=a thin one", "words width=wide--64"
CELL = "toy--words-width=a-thin-one--plain-lose=1"


@pytest.fixture
def ran(run, tmp_path: Path) -> Path:
    done = run(SWEPT)
    assert done.exit_code == 0, done.output
    return tmp_path / "results"


def test_names_with_blanks_work_in_every_command(effbench, run, tmp_path: Path, suite) -> None:
    assert run(TIMED).exit_code == 0
    file, ran = suite(TIMED), tmp_path / "results"

    def said(*words: object, code: int = 0) -> str:
        done = effbench(*words)
        assert done.exit_code == code, done.output
        return done.stdout

    record = json.loads(said("show", CELL, "--results", ran, "--json"))
    assert record["row"]["name"] == THIN
    assert record["index"]["sweep"] == {"family": "plain", "settings": {"lose": "1"}}
    runs = [path.read_text() for path in (tmp_path / "cache").glob("run/*/run.trec")]
    tags = {line.split(" ", 5)[5] for text in runs for line in text.splitlines()}
    assert tags == {"scan", "words-width=a-thin-one", "words-width=wide--64"}
    timed = said("latency", file, "--rows", "words", "--results", ran)
    assert THIN in timed
    assert WIDE in timed
    assert "scan" not in timed
    pairs = json.loads(said("compare", THIN, "words", "scan", "--results", ran, "--json"))
    assert [pair["other"] for pair in pairs] == [WIDE, "scan"]
    through = json.loads(
        said("compare", THIN, WIDE, "--index", "plain lose=1", "--results", ran, "--json")
    )
    assert [pair["through"] for pair in through] == ["plain lose=1"]
    assert said("diff", ran, ran)
    said("leaderboard", ran, "--format", "mteb", "--output", tmp_path / "mteb")
    folders = {path.name for path in (tmp_path / "mteb").iterdir()}
    assert "words-width=a-thin-one-plain-lose=0" in folders
    said("export", file, THIN, tmp_path / "out" / THIN)
    assert (tmp_path / "out" / THIN / "width.txt").read_text() == "16"
    assert THIN in (tmp_path / "out" / THIN / "README.md").read_text()
    assert THIN in said("cache", "needs", file)


def test_tables_have_a_column_for_the_family_and_each_setting(effbench, ran: Path) -> None:
    def shown(*options: str) -> str:
        done = effbench("leaderboard", ran, *options)
        assert done.exit_code == 0, done.output
        return str(done.stdout)

    columns = ("family", "setting width", "index family", "index setting lose")

    def values(lines: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
        return {tuple(line[column] or None for column in columns) for line in lines}

    wanted = {
        ("words", label, "plain", lose)
        for label in ("a thin one", "wide--64")
        for lose in ("0", "1")
    } | {(None,) * 4}
    assert values(json.loads(shown("--format", "json"))[0]["lines"]) == wanted
    assert values([*csv.DictReader(shown("--format", "csv").splitlines())]) == wanted
    assert "setting width" not in shown("--format", "markdown")
    assert f"| {THIN} |" in shown("--format", "markdown")
    chosen = shown("--columns", "setting width,nDCG@10").splitlines()
    assert any(line.startswith(THIN) and "a thin one  " in line[len(THIN) :] for line in chosen)


def test_a_sweeps_name_in_place_of_a_row_is_answered_with_its_rows(
    effbench, ran: Path, suite, tmp_path: Path
) -> None:
    for lead, *words in (
        ("--baseline words: no such row", "leaderboard", ran, "--baseline", "words"),
        ("no row 'words' has run there", "compare", "words", "scan", "--results", ran),
        ("no row 'words' in this suite", "export", suite(SWEPT), "words", tmp_path / "out"),
    ):
        done = effbench(*words)
        assert done.exit_code == 2
        assert lead in done.stderr
        hint = done.stderr.partition("(a sweep has that name; give one of its rows: ")[2]
        assert sorted(hint.strip().rstrip(")").split(", ")) == [THIN, WIDE]


def test_a_baseline_and_expected_scores_name_members(effbench, suite) -> None:
    text = altered(TIMED, "{processes: 1", "{baseline: words, processes: 1")
    text += "expected: {nDCG@10: {words: {toy: 0.5}}}\n"
    done = effbench("plan", suite(text))
    assert done.exit_code == 2
    for place in ("latency.baseline: no encoder", "expected.nDCG@10.words: no row"):
        (line,) = (line for line in done.stderr.splitlines() if place in line)
        assert f"(a sweep has that name; give one of its rows: {THIN}, {WIDE})" in line
    named = altered(text, "baseline: words", f"baseline: {THIN}")
    named = altered(named, "{words: {toy", f"{{{WIDE}: {{toy")
    assert effbench("plan", suite(named)).exit_code == 0
