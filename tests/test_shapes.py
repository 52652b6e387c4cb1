"""Records, suites and sessions of strangers: what has not the right shape is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_records import write_results

WRONG: list[Any] = [None, 7, "text", [], {}, [1], float("nan"), "\ud800"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make results of three rows on two datasets."""
    made: Path = write_results(
        tmp_path / "results", rows=["big", "small"], datasets=2, retrievers={"scan": 2.0}
    )
    return made


@pytest.fixture
def table(effbench, folder: Path) -> Callable[[], tuple[dict[str, Any], list[str]]]:
    """Show the leaderboard: its lines, and what is said to be left out."""

    def show() -> tuple[dict[str, Any], list[str]]:
        found = effbench("leaderboard", folder.parents[1], "--format", "json")
        assert found.exit_code == (1 if found.stderr else 0), found.output
        (own,) = json.loads(found.stdout)
        return {line["row"]: line for line in own["lines"]}, found.stderr.splitlines()

    return show


def edit(path: Path, place: str, value: Any) -> None:
    content = json.loads(path.read_text())
    *outer, name = place.split(".")
    inside = content
    for one in outer:
        inside = inside[one]
    inside[name] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("place", "fine"),
    [("dataset", "text"), ("row", None), ("row.name", "text"), ("scores", {}),
     ("scores.nDCG@10", 7), ("per_query", {}), ("per_query.nDCG@10", {}),
     ("per_query.nDCG@10.q3", 7), ("created", "text"), ("search", {}), ("costs", {})],
)  # fmt: skip
def test_a_record_of_another_shape_is_left_out(folder: Path, table, place, fine) -> None:
    before, said = table()
    assert said == []
    path = folder / "data-0--1.json"
    good = path.read_text()
    for wrong in WRONG:
        if wrong == fine and fine is not None:
            continue
        edit(path, place, wrong)
        lines, said = table()
        assert len(said) == 1, wrong
        assert said[0].startswith(f"left out: {path}: "), wrong
        assert place.split(".")[0] in said[0]
        assert lines["small"]["datasets"] == "1 of 2"
        assert lines["big"]["mean nDCG@10"] == before["big"]["mean nDCG@10"]
        path.write_text(good)


def test_what_nobody_reads_may_be_anything(folder: Path, table) -> None:
    before, _ = table()
    edit(folder / "data-0--1.json", "costs", {"index_bytes": 1000, "mine": {"a": [1]}})
    edit(folder / "data-0--1.json", "passages", [7])
    assert table() == (before, [])


@pytest.mark.parametrize(
    "place", ["suite", "measures", "datasets", "cells", "expected", "latency"]
)
def test_a_suite_of_another_shape_is_one_line(effbench, folder: Path, place: str) -> None:
    path = folder / "suite.json"
    edit(path, place, 7)
    found = effbench("leaderboard", folder.parents[1])
    assert found.exit_code == 2
    assert found.stderr.startswith(f"Error: {path}: {place} is missing or not as it should be")
    write_results(folder.parents[1], rows=["big"], datasets=1, suite="whole")
    for options in ((), ("--suite", "whole")):
        found = effbench("leaderboard", folder.parents[1], *options)
        assert found.exit_code == 1
        assert found.stderr.startswith(f"left out: {path}: {place} is missing or not as it")


@pytest.mark.parametrize(
    ("place", "value"),
    [("blocks", [[1, 2]]), ("format", "1"), ("rows", []), ("processes", [7]), ("words", None),
     ("errors", []), ("fingerprint", 7)],
)  # fmt: skip
def test_a_session_of_another_shape_is_left_out(folder: Path, table, place: str, value) -> None:
    path = next((folder / "latency").glob("data-0--*"))
    with np.load(path) as file:
        content = dict(file)
    header = json.loads(content["header"].tobytes()) | {place: value}
    content["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(path, allow_pickle=False, **content)
    lines, said = table()
    assert len(said) == 1
    assert said[0].startswith(f"left out: {path}: {place}")
    assert lines["big"]["encode p50 ms"] is None
