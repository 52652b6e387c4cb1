"""What stands in a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from effbench.views.layout import table_lines
from made_tables import hidden, made, parsed


def test_single_datasets_are_shown_where_they_are_few(tmp_path: Path) -> None:
    few = made(tmp_path / "few", datasets=2)
    assert {"nDCG@10 data-0", "kept data-1"} <= {*parsed(list(table_lines(few)))[0]}
    many = list(table_lines(made(tmp_path / "many", datasets=3)))
    assert hidden(many) == ["figures of single datasets"]
    assert "nDCG@10 data-0" not in parsed(many)[0]


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
    assert f"; {said}}}\n" in compared("--format", "latex", "--suite", "made").stdout
    assert said not in compared("--columns", "nDCG@10").stdout


def test_the_page_names_its_baseline(compared) -> None:
    pytest.importorskip("vl_convert")
    assert '"baseline_said":"small through exact"' in compared("--format", "html").stdout
