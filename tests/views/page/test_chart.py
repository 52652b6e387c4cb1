"""The chart of a page, as an image."""

from __future__ import annotations

from pathlib import Path

from made_records import write_results
from made_sessions import write_session


def test_images_say_who_is_not_on_them(effbench, tmp_path: Path) -> None:
    root, output = tmp_path / "results", tmp_path / "chart.svg"
    folder = write_results(root, rows=["big", "small"], datasets=1, retrievers={"scan": 2.0})
    effbench("leaderboard", root, "--output", output)
    drawn = output.read_text()
    assert drawn.count('aria-roledescription="point"') == 3
    assert "end to end p50, ms" in drawn
    assert "no encode time" not in drawn
    effbench("leaderboard", root, "--output", output, "--span", "encode")
    drawn = output.read_text()
    assert drawn.count('aria-roledescription="point"') == 2
    assert "no encode time: scan" in drawn
    cells = {f"data-0--{i}": {"end to end": [9.0 - i] * 12} for i in range(2)}
    keys = {cell: f"key-{cell}" for cell in cells}
    (session,) = (folder / "latency").iterdir()
    session.unlink()
    write_session(folder, "data-0", cells, keys=keys, unsteady=["data-0--1"], processes=3)
    effbench("leaderboard", root, "--output", output)
    drawn = output.read_text()
    assert "no latency: scan" in drawn
    assert "hollow, not ranked (latency unstable): small through exact" in drawn
