"""How ``--budget`` and ``--keep`` are asked."""

from __future__ import annotations

from pathlib import Path

from made_records import write_results


def test_a_row_is_printed_in_two_forms(effbench, tmp_path: Path) -> None:
    write_results(tmp_path, rows=["big", "small"], datasets=1)
    found = effbench("leaderboard", tmp_path, "--budget", "6ms", "--format", "csv")
    assert found.exit_code == 2
    assert "--columns, and --format unless it is json" in found.stderr
