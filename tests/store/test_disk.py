"""Files that appear when they are whole, and notice every other byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from effbench.api.errors import EffbenchError
from effbench.store.disk import (
    listed,
    read_sealed,
    sealed,
    sweep_stale,
    write_atomically,
    write_json,
)
from made_results import TEMPORARY


def test_two_writers_of_one_name_do_not_meet(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("os.getpid", lambda: 1)  # as in two containers
    path = tmp_path / "file.json"

    def write(temporary: Path) -> None:
        temporary.write_text("first")
        write_atomically(path, lambda other: other.write_text("second"))
        assert path.read_text() == "second"

    write_atomically(path, write)
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_temporary_files_are_no_files_of_ours_and_old_ones_go(tmp_path: Path) -> None:
    old, young = tmp_path / f"{TEMPORARY}.json", tmp_path / ".4711.cell.json"
    for path in (old, young, tmp_path / "cell.json", tmp_path / ".mine.json"):
        path.write_text("{}")
        os.utime(path, (0, 0))
    os.utime(young)
    assert [path.name for path in listed(tmp_path, "*.json")] == [".mine.json", "cell.json"]
    sweep_stale(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {young.name, "cell.json", ".mine.json"}


@pytest.mark.parametrize("data", [{}, {"a": [1, 2.5, None], "b": {"2": "é", "10": "x"}}])
def test_json_that_is_kept_notices_every_other_byte(tmp_path: Path, data: dict) -> None:
    path = tmp_path / "kept.json"
    write_json(path, data)
    assert read_sealed(path) == data
    content = path.read_bytes()
    for place in range(len(content)):
        for other in (content[place] ^ 1, content[place] ^ 0x40):
            path.write_bytes(content[:place] + bytes([other]) + content[place + 1 :])
            try:
                found = read_sealed(path)
            except EffbenchError as error:
                assert str(path) in str(error)  # noqa: PT017 - white space may change unnoticed
            else:
                assert found == data
    path.write_bytes(content[:-9])
    with pytest.raises(EffbenchError, match="cannot be read"):
        read_sealed(path)


def test_json_is_sealed_as_it_will_be_read(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text(sealed({"rows": {10: "a", 9: "b"}, "pair": (1, 2)}))
    assert read_sealed(tmp_path / "kept") == {"rows": {"10": "a", "9": "b"}, "pair": [1, 2]}
