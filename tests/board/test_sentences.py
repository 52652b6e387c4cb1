"""Sentences about a row."""

from __future__ import annotations

import pytest

from made_choices import Results


def test_a_sentence_says_why_a_speed_is_not_ranked(
    effbench, three_rows: Results, tmp_path
) -> None:
    pytest.importorskip("vl_convert")
    for wrong, why in (([1], "(latency unstable)"), ([0], "(latency of big unstable)")):
        three_rows.measure(unsteady=wrong)
        effbench("leaderboard", three_rows.root, "--output", tmp_path / "page.html")
        assert f"its speed is not ranked {why}." in (tmp_path / "page.html").read_text()
