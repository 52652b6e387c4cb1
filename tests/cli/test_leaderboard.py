"""Which options of ``effbench leaderboard`` go together."""

from __future__ import annotations

from pathlib import Path

from made_suites import GROUPED


def test_options_that_do_not_go_together_are_refused(shown, effbench, tmp_path: Path) -> None:
    shown(GROUPED)
    for options, said in (
        (["--budget", "5ms", "--output", "x.html"], "leave out --output, --columns"),
        (["--span", "encod"], "--span encod: no such span (known: encode, after last word"),
        (["--output", tmp_path / "x"], "x: in which format? (give --format, or"),
        (["--format", "svg"], "no row with a score and a latency of end to end p50"),
    ):
        found = effbench("leaderboard", tmp_path / "results", *options)
        assert found.exit_code == 2
        assert said in found.stderr


def test_no_results_is_one_line(effbench, tmp_path: Path) -> None:
    found = effbench("leaderboard", tmp_path)
    assert found.exit_code == 2
    assert "no results there" in found.stderr
