"""Records and sessions that are fine each by itself, and contradict what lies beside them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from altered import put
from made_records import record_of, write_results

LATER = "2026-11-25T01:00:00+00:00"
BETTER = {f"q{i}": 0.9 for i in range(30)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_results(tmp_path / "results", rows=["big", "small"], datasets=2)


@pytest.fixture
def draw(effbench, folder: Path) -> Callable[[int], tuple[dict[str, Any], str]]:
    """Return the leaderboard and what is left out, said in so many lines."""

    def leaderboard(left_out: int) -> tuple[dict[str, Any], str]:
        found = effbench("leaderboard", folder.parents[1], "--format", "json")
        assert found.exit_code == min(left_out, 1), found.output
        assert len(found.stderr.splitlines()) == left_out
        (table,) = json.loads(found.stdout)
        return {line["row"]: line for line in table["lines"]}, found.stderr or str(table)

    return leaderboard


def add(folder: Path, cell: str, record: dict[str, Any]) -> None:
    (folder / f"{cell}.json").write_text(json.dumps(record))
    cells = json.loads((folder / "suite.json").read_text())["cells"]
    put(folder / "suite.json", "cells", [*cells, cell])


@pytest.mark.parametrize("created", ["9999-12-31T23:59:59-23:00", "2090-01-01T00:00:00Z"])
def test_a_record_of_the_future_displaces_none(folder: Path, draw, created: str) -> None:
    path = folder / "data-0--1.json"
    put(path, "data_key", "another")
    put(path, "created", created)
    lines, said = draw(1)
    assert lines["big"]["datasets"] == "2 of 2"
    assert lines["small"]["datasets"] == "1 of 2"
    assert said.startswith(f"left out: {path}: its date, {created[:4]}-")
    assert "is still to come (run the suite again)" in said


def test_a_session_of_the_future_displaces_none(folder: Path, draw) -> None:
    before, _ = draw(0)
    honest = next((folder / "latency").glob("data-0--*"))
    later = honest.with_name("data-0--later.npz")
    shutil.copy(honest, later)
    put(later, "conditions", {"protocol": 99})
    put(later, "started", "9999-01-01T00:00:00+00:00")
    lines, said = draw(1)
    assert lines == before
    assert said.startswith(f"left out: {later}: its date, 9999-")


@pytest.mark.parametrize("newer", ["data-0--1", "another"])
def test_of_two_cells_of_one_row_the_newer_one_counts(folder: Path, draw, newer: str) -> None:
    add(folder, "another", record_of("small", "data-0", "key", BETTER))
    put(folder / f"{newer}.json", "created", LATER)
    lines, said = draw(0)
    older = ({"data-0--1", "another"} - {newer}).pop()
    assert f"left out, since {newer} is newer and of the same: {older}" in said
    assert (lines["small"]["nDCG@10 data-0"] == pytest.approx(0.9)) == (newer == "another")


def test_a_record_of_a_dataset_that_the_suite_has_not_is_named(folder: Path, draw) -> None:
    before, _ = draw(0)
    add(folder, "another", record_of("small", "elsewhere", "key", BETTER))
    lines, said = draw(1)
    assert lines == before, "index MB too"
    assert "another.json: elsewhere is no dataset of the suite.json beside it" in said


def test_one_data_has_the_same_queries(folder: Path, effbench, draw) -> None:
    for path in folder.glob("data-0--*.json"):
        put(path, "data_key", "one")
    put(folder / "data-0--1.json", "per_query.nDCG@10", {"x": 0.5})
    put(folder / "data-0--1.json", "scores.nDCG@10", 0.5)
    put(folder / "data-0--0.json", "created", LATER)
    lines, said = draw(0)
    assert lines["big"]["datasets"] == "2 of 2"
    assert "they were measured on: data-0--1 (run the suite again)" in said
    found = effbench("compare", "big", "small", "--results", folder.parents[1])
    assert found.exit_code == 0
    assert "data-1" in found.stdout


def test_a_measure_may_be_below_zero(folder: Path, draw) -> None:
    put(folder / "suite.json", "measures", ["Mine"])
    for path in folder.glob("data-*.json"):
        put(path, "per_query", {"Mine": {"q0": -1.0, "q1": -3.0}})
        put(path, "scores", {"Mine": -2.0})
    lines, _ = draw(0)
    assert lines["small"]["mean Mine"] == -2
    assert lines["small"]["kept"] is None


def test_a_chart_that_cannot_be_drawn_is_a_line(folder: Path, effbench, tmp_path: Path) -> None:
    put(folder / "suite.json", "measures", ["Mine"])
    for place, path in enumerate(folder.glob("data-*.json")):
        put(path, "per_query", {"Mine": {"q0": 5e-324 * place}})
        put(path, "scores", {"Mine": 5e-324 * place})
    image = tmp_path / "a.svg"
    found = effbench("leaderboard", folder.parents[1], "--output", image)
    assert found.exit_code == 2
    assert "Error: made on a-machine: no chart can be drawn: " in found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert not image.exists()


@pytest.mark.parametrize("kind", ["file", "link to itself"])
def test_what_stands_in_the_place_of_sessions_is_named(folder: Path, draw, kind: str) -> None:
    shutil.rmtree(folder / "latency")
    if kind == "file":
        (folder / "latency").write_text("")
    else:
        (folder / "latency").symlink_to("latency")
    _, said = draw(1)
    assert said.startswith(f"left out: {folder / 'latency'}: ")


def test_links_and_pipes_among_results_are_harmless(folder: Path, draw) -> None:
    before, _ = draw(0)
    (folder.parent / "again").symlink_to(folder)
    (folder / "around").symlink_to(folder.parents[1])
    lines, _ = draw(0)
    assert lines == before
    (folder / "zero.json").symlink_to("/dev/zero")
    (folder / "latency" / "zero.npz").symlink_to("/dev/zero")
    os.mkfifo(folder / "latency" / "pipe.npz")
    lines, said = draw(3)
    assert lines == before
    assert said.count("no plain file") == 3
