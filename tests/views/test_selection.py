"""Columns and baseline that a user chooses."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from effbench.views.layout import table_lines
from effbench.views.render import cell_text
from effbench.views.selection import select
from made_records import write_results
from made_tables import hidden, listed, made, parsed, stacked


def test_columns_are_chosen(tmp_path: Path, effbench) -> None:
    known = made(tmp_path)
    options = ["--columns", "R,encode p99 ms", "--columns", "kept"]
    found = effbench("leaderboard", tmp_path, *options)
    assert (found.exit_code, found.stdout) == (2, "")
    assert "--columns R: no such column (known: " in found.stderr
    assert " low," not in found.stderr
    options[1] = "encode p99 ms , kept,kept low"
    lines = effbench("leaderboard", tmp_path, *options).stdout.splitlines()
    assert [*parsed(lines)[0]] == ["row", "index", "encode p99 ms", "kept", "kept low"]
    assert not hidden(lines)
    assert parsed(lines)[1]["row"] == known.lines[1]["row"]
    for asked, heads in (
        ("row", ["row", "index"]), ("p,row,p", ["row", "index", "p"]),
        ("index,p,row", ["index", "p", "row"]),
    ):  # fmt: skip
        head, *_ = effbench("leaderboard", tmp_path, "--columns", asked).stdout.splitlines()[1:]
        assert re.split("  +", head.strip()) == heads
    near = effbench("leaderboard", tmp_path, "--columns", "encode p59 ms")
    assert "(did you mean 'encode p" in near.stderr
    for word in ("ndcg", "NDCG@10", "dcg"):
        assert "(did you mean 'nDCG@10'?)" in (
            effbench("leaderboard", tmp_path, "--columns", word).stderr
        )


def test_chosen_columns_hold_in_every_table(tmp_path: Path, effbench) -> None:
    made(tmp_path)

    def written(form: str) -> str:
        options = ["--columns", "p,kept", "--format", form]
        found = effbench("leaderboard", tmp_path, *options)
        assert found.exit_code == 0, found.output
        return found.stdout

    assert "| row | index | p | kept |\n" in written("markdown")
    assert "row & index & p & kept \\\\\n" in written("latex")
    (row, *_) = csv.DictReader(io.StringIO(written("csv")))
    assert [*row] == ["suite", "machine", "row", "index", "p", "kept", "baseline"]
    (line, *_) = json.loads(written("json"))[0]["lines"]
    assert {*line} == {"row", "index", "p", "kept", "baseline"}
    refused = effbench("leaderboard", tmp_path, "--columns", "p", "--format", "html")
    assert "--columns chooses columns of a table, and html is not a table" in refused.stderr


@pytest.mark.parametrize("width", [80, 120, 200])
def test_columns_that_were_asked_for_are_all_there(tmp_path: Path, width: int) -> None:
    (known,) = select([made(tmp_path, datasets=6)], ["all"])
    assert len(known.chosen) > 25
    for cells, line in zip(stacked(known, width), known.lines, strict=True):
        assert cells == {name: cell_text(known, line, name) for name in known.chosen}
    assert all(cell_len(line) <= width for line in table_lines(known, width))
    assert not hidden(list(table_lines(known, width)))


def test_columns_that_were_asked_for_are_listed_where_two_have_no_room(tmp_path: Path) -> None:
    (known,) = select([made(tmp_path)], ["all"])
    lines = list(table_lines(known, 40))
    listed(known, lines)
    for line in known.lines:
        assert f"  effect: {cell_text(known, line, 'effect')}" in lines


SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10, "P(rel=2,judged_only=True)@5"]
encoders: {words: {use: words}}
indexes: {plain: {use: plain}}
latency: false
"""


def test_a_run_knows_its_columns_before_it_works(suite, tmp_path: Path, effbench) -> None:
    words = ["run", suite(SUITE), "--results", tmp_path / "results", "--columns"]
    found = effbench(*words, "nDGC@10")
    assert found.exit_code == 2
    assert "--columns nDGC@10: no such column (did you mean 'nDCG@10'?)" in found.stderr
    assert not (tmp_path / "results").exists()
    text = effbench(*words, "P(rel=2,judged_only=True)@5,encode p99 ms").stdout
    head = text.splitlines()[1]
    assert head.split("  ")[0].strip() == "row"
    assert "P(rel=2,judged_only=True)@5" in head
    assert "nDCG@10" not in head


def test_another_baseline_is_that_of_every_figure(compared) -> None:
    another, made = json.loads(compared("--format", "json").stdout)
    lines = {line["row"]: line for line in made["lines"]}
    assert lines["small"]["kept"] is None
    for row in ("big", "scan"):
        assert lines[row]["kept"] == lines[row]["nDCG@10"] / lines["small"]["nDCG@10"]
        assert lines[row]["p"] is not None
        assert lines[row]["baseline"] == "small"
    assert lines["big"]["speed-up encode"] == pytest.approx(0.5)
    assert another["lines"][0]["baseline"] == "other"
    assert another["remarks"] == ["the baseline is the suite's: there is no row small here"]


def test_a_share_is_kept_of_the_chosen_baseline(compared) -> None:
    words = "--suite", "made", "--keep", "100%"
    assert "Ship small through exact" in compared(*words).stdout
    assert "Ship big through exact" in compared(*words, row="big").stdout


def test_a_baseline_that_is_none_is_one_line(compared) -> None:
    found = compared(row="smal")
    assert found.exit_code == 2
    said = "Error: --baseline smal: no such row (did you mean 'small'?)\n"
    assert found.stderr == said
    assert "(known: other)" in compared("--suite", "another").stderr


def test_a_baseline_with_two_indexes_says_which(tmp_path: Path, effbench) -> None:
    write_results(tmp_path / "a", rows=["big", "small"], datasets=1)
    assert "baseline: big through exact\n" in effbench("leaderboard", tmp_path / "a").stdout
