"""Rows that cannot be, or not here, are lines of a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_plugins import answering, offering


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise SystemExit(0)", "SystemExit: 0 (a plugin must not end the program"),
        ("raise ValueError('one\\ntwo')", "ValueError: one two"),
        ("raise effbench.EffbenchError('too wide\\n(take 8)')", "too wide (take 8)"),
        ("lost", "NameError: name 'lost' is not defined"),
    ],
)
def test_a_check_that_raises_is_a_mistake_of_the_row(
    mine, planned, body: str, said: str
) -> None:
    source = f"class Mine(Enc):\n    @staticmethod\n    def check(*, width): {body}\n"
    mine(source + offering("encoders", "Mine"))
    found = planned("{words:", "{mine: {use: mine}, words:")
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    who = "" if "Effbench" in body else "encoder 'mine' (plugin mine): its check: "
    assert f":4: encoders.mine: {who}{said}" in line


def test_a_check_and_a_dataset_may_write_into_what_they_get(mine, planned) -> None:
    source = """
class Mine(Plain):
    def __init__(self, *, words: list = []):
        words.append("x")
        if words != ["a", "x"]:
            raise RuntimeError(words)
    check = staticmethod(lambda *, words: words.clear())
"""
    mine(source + offering("datasets", "Mine"))
    found = planned("{use: toy}", "{use: mine, words: [a]}")
    assert found.exit_code == 0, found.stderr
    assert "RuntimeError: ['x']" in planned("{use: toy}", "{use: mine}").stderr
    assert "RuntimeError: ['x']" in planned("{use: toy}", "{use: mine}").stderr


def test_a_ready_row_that_cannot_run_here_is_a_remark(mine, planned) -> None:
    rows = "{'encoders': {'r': {'use': 'words', 'width': 'x'}, 's': {'use': 'lost'}}}"
    mine(answering(rows, "ready_rows"))
    found = planned("{words: {use: words}}", "every")
    assert found.exit_code == 0
    assert "ready row 'r' is left out: 'x' is not int\n" in found.stderr
    assert "ready row 's' is left out: nothing installed offers 'lost'" in found.stderr


def test_a_model_that_cannot_be_read_is_a_line_of_the_plan(
    mine, planned, tmp_path: Path
) -> None:
    mine("def make(*, model: effbench.ModelId): pass\n" + offering("encoders", "make"))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").symlink_to("/proc/self/mem")
    found = planned("{use: words}", "{use: mine, model: ./model}")
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert ":4: encoders.words.model: " in line
    assert "model/weights: Input/output error (make it readable)" in line


def test_a_loop_of_links_is_a_line_of_the_plan(mine, planned, tmp_path: Path) -> None:
    mine("def make(*, model: effbench.ModelId): pass\n" + offering("encoders", "make"))
    (tmp_path / "model").symlink_to(tmp_path / "model")
    found = planned("{use: words}", "{use: mine, model: ./model}")
    assert found.exit_code == 2
    assert ":4: encoders.words.model: './model': " in found.stderr
    assert "home" not in found.stderr


def test_a_folder_in_a_files_place_is_a_line_of_the_plan(mine, planned, tmp_path: Path) -> None:
    source = "def make(*, at: effbench.DataPath): return open(at)\n"
    mine(source + offering("datasets", "make"))
    found = planned("{use: toy}", "{use: mine, at: .}")
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert ":2: datasets.0: dataset 'mine' (plugin mine): IsADirectoryError: " in line
