"""The curves of a chart: which rows of a sweep they join, in which order and colour."""

from __future__ import annotations

import json
import re
from pathlib import Path

from made_records import mark_sweeps, write_results

GRID = [f"gru layers={n} width={w}" for n in (1, 2) for w in (128, 16, 64)]


def looks(effbench, root: Path) -> dict[str, dict]:
    """Return row -> how the page draws its point."""
    page = root / "board.html"
    assert effbench("leaderboard", root, "--output", page).exit_code == 0
    found = re.search(r'id="data">(.*?)</script>', page.read_text())
    assert found
    (board,) = json.loads(found[1])["boards"]
    return {line["row"]: line["look"] for line in board["lines"]}


def test_a_curve_follows_the_option_with_most_values_in_the_order_of_the_suite(
    effbench, tmp_path: Path
) -> None:
    folder = write_results(
        tmp_path, rows=["big", *GRID], datasets=1, retrievers={"scan": 2, "bm a=b": 3}
    )
    mark_sweeps(folder)
    drawn = looks(effbench, tmp_path)
    assert [drawn[row]["curve"] for row in GRID] == ["gru layers=1"] * 3 + ["gru layers=2"] * 3
    assert sorted(GRID, key=lambda row: drawn[row]["place"]) == GRID
    assert {drawn[row]["method"] for row in GRID} == {"gru"}
    assert drawn["big"]["method"] == "big"
    assert drawn["big"]["index"] == "exact"
    assert drawn["big"]["curve"] is None
    assert drawn["scan"]["index"] == "no index"
    assert drawn["bm a=b"]["curve"] == "bm"


def test_a_swept_index_has_curves_of_the_rows_that_are_not_swept(
    effbench, tmp_path: Path
) -> None:
    folder = write_results(tmp_path, rows=["big", "gru seed=0", "gru seed=1"], datasets=1)
    path = folder / "data-0--0.json"
    record = json.loads(path.read_text())
    record["index"]["name"], record["search"] = "hnsw M=8", {"efSearch": 64}
    path.write_text(json.dumps(record))
    mark_sweeps(folder)
    drawn = looks(effbench, tmp_path)
    assert drawn["big"]["curve"] == "big (hnsw efSearch=64)"
    assert drawn["big"]["name"] == "big (hnsw M=8 efSearch=64)"
    assert (drawn["big"]["method"], drawn["big"]["index"]) == ("big", "hnsw")
    assert drawn["gru seed=1"]["curve"] == "gru (exact)"


def test_an_image_draws_curves_and_names_the_front_and_curves(effbench, tmp_path: Path) -> None:
    names = [f"gru layers={n} width={w}" for n in (1, 2) for w in range(20)]
    mark_sweeps(write_results(tmp_path, rows=["big", *names], datasets=1))
    output = tmp_path / "chart.svg"
    assert effbench("leaderboard", tmp_path, "--output", output).exit_code == 0
    texts = re.findall(r">([^<>]+)</text>", output.read_text())
    assert any("rows of a sweep that differ in one option" in text for text in texts)
    assert {"row", "big", "gru", "index", "exact"} <= {*texts}, "the legends"
    assert {"gru layers=1", "gru layers=2"} & {*texts}
    assert 0 < len({*names} & {*texts}) < 40


def test_with_more_rows_than_colours_the_front_has_a_colour(effbench, tmp_path: Path) -> None:
    rows = [f"row-{i:02}" for i in range(30)]
    write_results(tmp_path, rows=rows, datasets=1, retrievers={"scan": 0.1})
    drawn = looks(effbench, tmp_path)
    assert drawn["scan"]["method"] == "scan", "the fastest row is on the front, and the last"
    assert drawn["row-00"]["method"] == "row-00", "the baseline"
    methods = [look["method"] for look in drawn.values()]
    assert len({*methods}) == 19
    assert methods.count("other rows") == 31 - 18
