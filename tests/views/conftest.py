from __future__ import annotations

from pathlib import Path

import pytest

from made_records import write_results


@pytest.fixture
def compared(tmp_path: Path, effbench):
    """Show two suites with another baseline."""
    write_results(tmp_path, rows=["big", "small"], datasets=1, retrievers={"scan": 2.0})
    write_results(tmp_path, rows=["other"], datasets=1, suite="another")

    def show(*options: str, row: str = "small"):
        return effbench("leaderboard", tmp_path, "--baseline", row, *options)

    return show
