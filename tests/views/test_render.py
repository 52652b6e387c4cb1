"""Leaderboards as table, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from altered import altered, first_altered
from made_suites import GROUPED, STUDENT, lines_of


def test_markdown_csv_and_table_say_the_same(shown, effbench, tmp_path: Path) -> None:
    by_name = lines_of(shown(GROUPED))
    scan = by_name["scan", ""]
    rows = list(csv.DictReader(io.StringIO(shown(GROUPED, "csv"))))
    (row,) = [row for row in rows if row["row"] == "scan"]
    assert float(row["mean nDCG@10"]) == scan["mean nDCG@10"]
    wanted = f"{scan['mean nDCG@10']:.4f}"
    assert f"| scan |  | {wanted} [" in shown(GROUPED, "markdown")
    assert wanted in shown(GROUPED, "table")
    output = tmp_path / "board.csv"
    effbench("leaderboard", tmp_path / "results", "--format", "csv", "--output", output)
    assert output.read_text() == shown(GROUPED, "csv")


def test_parameters_are_short_for_people_and_whole_for_programs(shown) -> None:
    text = altered(GROUPED, "retrievers:", STUDENT)
    found = lines_of(shown(text))
    assert found["typed", "plain depth=10"]["parameters"] == 1_234_567
    assert found["words", "plain depth=10"]["parameters"] is None
    assert " 1.2M |" in shown(text, "markdown")
    assert ",1234567," in shown(text, "csv")


def test_names_are_harmless_in_markdown_and_csv(shown) -> None:
    odd = first_altered(GROUPED, "  scan:", "  '1=1,`x`_y_[z]':")
    assert ',"1=1,`x`_y_[z]",' in shown(odd, "csv")
    assert "| 1=1,\\`x\\`\\_y\\_\\[z\\] |" in shown(odd, "markdown")
