"""The comment of ``effbench diff --format markdown``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from made_changes import BUSY, edit, lowered, record, time
from made_records import write_results


@pytest.fixture
def old(tmp_path: Path) -> Path:
    write_results(tmp_path / "old", rows=["big", "a|b_c"], datasets=1, queries=60)
    return tmp_path / "old"


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    shutil.copytree(old, tmp_path / "new")
    return tmp_path / "new"


def test_what_is_worse_comes_first_with_both_values(effbench, old: Path, new: Path) -> None:
    edit(record(new, 1), lowered(0.05))
    edit(record(new, 0), lowered(-0.001))
    found = effbench("diff", old, new, "--format", "markdown")
    assert found.exit_code == 1
    before, after = (
        json.loads(record(root, 1).read_text())["scores"]["nDCG@10"] for root in (old, new)
    )
    head, _, columns, rule, worse, better, *_ = found.stdout.splitlines()
    assert head == "### effbench: 1 figure is worse"
    assert columns.count("|") == rule.count("|") == better.count("|") == 8
    assert worse == (
        f"| **worse** | made | data-0--1 | nDCG@10 | {before:.4f} | {after:.4f} | "
        "-0.0500 \\[-0.0500, -0.0500\\], p 0.0002 |"
    )
    assert better.startswith("| better | made | data-0--0 | nDCG@10 | ")


def test_names_cannot_break_the_table(effbench, old: Path, new: Path) -> None:
    time(new, small=7.0)
    found = effbench("diff", old, new, "--format", "markdown").stdout
    assert "| **worse** | made | a\\|b\\_c exact | encode p50 ms | 5 | 7 | " in found


def test_times_that_had_to_be_compared_are_named(effbench, old: Path, new: Path) -> None:
    time(new, small=7.0, unsteady=BUSY)
    words = ("diff", old, new, "--format", "markdown")
    found = effbench(*words)
    assert found.exit_code == 0
    assert found.stdout.startswith("### effbench: nothing is worse\n")
    assert (
        "<details><summary>Notes</summary>\n\n- not compared made: latency unst" in found.stdout
    )
    required = effbench(*words, "--require-latency")
    assert required.exit_code == 1
    assert required.stdout.startswith("### effbench: 4 times could not be compared\n")
    assert (
        "\nRequired, and not compared: encode p50 ms, end to end p50 ms of" in required.stdout
    )


def test_damaged_files_are_named(effbench, old: Path, new: Path) -> None:
    record(new, 1).write_text("{")
    found = effbench("diff", old, new, "--format", "markdown")
    assert found.exit_code == 1
    assert "data-0--1.json: cannot be read" in found.stdout


def test_many_figures_are_shortened(effbench, tmp_path: Path) -> None:
    rows = [f"row-{number}" for number in range(60)]
    for side, lost in (("old", 0), ("new", 55)):
        folder = write_results(tmp_path / side, rows=rows, datasets=1, queries=2)
        for number in range(lost):
            (folder / f"data-0--{number}.json").unlink()
    text = effbench("diff", tmp_path / "old", tmp_path / "new", "--format", "markdown").stdout
    assert text.count("| **worse** |") == 50
    assert "| | and 5 more, 5 of them worse | | | | | |\n" in text


def test_a_comment_is_not_longer_than_github_takes(effbench, tmp_path: Path) -> None:
    rows = [f"{number} {'|' * 900}" for number in range(60)]
    old = write_results(tmp_path / "old", rows=rows, datasets=1).parents[1]
    shutil.copytree(old, tmp_path / "new")
    for number in range(60):
        edit(record(tmp_path / "new", number), larger)
    found = effbench("diff", old, tmp_path / "new", "--format", "markdown")
    assert found.exit_code == 1
    assert "**worse**" in found.stdout
    assert len(found.stdout) < 65_536


def larger(record) -> None:
    record["costs"]["index_bytes"] *= 2
