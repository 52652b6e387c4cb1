"""The options of ``effbench cache``."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "20"], "'20' is no size (write a number and a unit, such as 20GB)"),
        (["--to", "twenty GB"], "is no size"),
        (["--older-than", "30"], "'30' is no duration (write a number and s, m, h, d or w"),
        (["--older-than", "30M"], "is no duration"),
    ],
)
def test_amounts_that_are_none(effbench, arguments: list[str], said: str) -> None:
    found = effbench("cache", "free", *arguments)
    assert found.exit_code == 2
    assert said in found.stderr


def test_options_of_the_cache_are_not_lost_before_its_commands(effbench, tmp_path) -> None:
    found = effbench("cache", "--cache", tmp_path, "free", "--to", "0B", "--yes")
    assert found.exit_code == 2
    assert "give options after the word free" in found.stderr
    assert effbench("cache", "--cache", tmp_path / "absent").exit_code == 0
    assert effbench("cache", "free", "--cache", tmp_path / "absent", "--yes").exit_code == 0
    assert not (tmp_path / "absent").exists()
