"""The chart of a page: as an image, and which rows are on its front."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from effbench.views.page.chart import front
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


@pytest.mark.parametrize("seed", range(20))
def test_none_beats_a_row_on_the_front(seed: int) -> None:
    """By the definition, of every pair; few values, so that many rows are equal."""
    chance = random.Random(seed)
    places = {n: (float(chance.randrange(5)), float(chance.randrange(5))) for n in range(12)}

    def beaten(one: tuple[float, float]) -> bool:
        return any(t <= one[0] and s >= one[1] and (t, s) != one for t, s in places.values())

    assert sorted(front(places)) == [n for n, place in places.items() if not beaten(place)]
