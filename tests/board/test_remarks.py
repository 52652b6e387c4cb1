"""What is remarked of rows below their table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_records import write_results


def said_of(effbench, root: Path) -> list[str]:
    found = effbench("leaderboard", root, "--format", "json")
    assert found.exit_code == 0, found.output
    remarks: list[str] = json.loads(found.stdout)[0]["remarks"]
    return remarks


def test_what_trainers_remark_is_said_once(effbench, tmp_path: Path) -> None:
    remark = "its schedule\nwas cut to 306 steps"
    models = {"big": {"remarks": [remark]}, "base": {"folder": "train/1", "remarks": ["so-so"]}}
    write_results(tmp_path, rows=["big", "small"], datasets=3, models=models)
    assert said_of(effbench, tmp_path) == [
        "big: its schedule was cut to 306 steps",
        "big, small: model base: so-so",
        "small: model big: its schedule was cut to 306 steps",
    ]
    shown = effbench("leaderboard", tmp_path, "--format", "markdown").stdout
    assert shown.count("its schedule was cut") == 2


@pytest.mark.parametrize(
    "models",
    [{"big": None}, {"big": ["remarks"]}, {"big": {"remarks": "text"}},
     {"big": {"remarks": {"a": "b"}}}, {"big": {"remarks": [None, 7, ["x"], "", " \n"]}}],
)  # fmt: skip
def test_remarks_that_are_none_are_left_out(effbench, tmp_path: Path, models: object) -> None:
    write_results(tmp_path, rows=["big"], datasets=1, models=models)
    assert said_of(effbench, tmp_path) == []


def test_remarks_fit_on_a_line(effbench, tmp_path: Path) -> None:
    odd = ["half \x1b[31m\u202e", "long " * 9999]
    write_results(tmp_path, rows=["big"], datasets=1, models={"big": {"remarks": odd}})
    half, long = said_of(effbench, tmp_path)
    assert half == r"big: half \x1b[31m\u202e"
    assert len(long) < 520
    assert effbench("leaderboard", tmp_path).exit_code == 0
