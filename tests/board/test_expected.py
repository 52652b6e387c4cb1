"""Scores that a suite expects."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from made_suites import GROUPED, lines_of


@pytest.fixture
def expecting(shown, suite) -> tuple[Path, float]:
    """Make a suite that expects two scores of a row, of which it misses one by 0.01."""
    found = lines_of(shown(GROUPED))["scan", ""]
    toy, pair = found["RR@10 toy"], found["RR@10 pair"]
    scores = f"{{scan: {{toy: {toy - 0.01:.4f}, pair: {pair + 0.0009:.6f}}}}}"
    return suite(GROUPED + f"expected: {{RR@10: {scores}}}\n"), toy


def test_expected_scores_are_held_against_the_first_index(
    expecting, effbench, tmp_path: Path
) -> None:
    path, toy = expecting
    ran = effbench("run", path, "--results", tmp_path / "results", "--json")
    found = lines_of(ran.stdout)
    missed, met = found["scan", ""]["expected"]
    assert missed == {
        "measure": "RR@10", "dataset": "toy", "published": round(toy - 0.01, 4), "score": toy,
        "tolerance": 0.001, "difference": toy - round(toy - 0.01, 4), "met": False,
        "said": f"FAIL RR@10 toy {toy:.4f} (published {toy - 0.01:.4f})",
    }  # fmt: skip
    assert (met["dataset"], met["met"]) == ("pair", True)
    assert found["words", "plain depth=1"]["expected"] == []
    shown = effbench("leaderboard", tmp_path / "results", "--format", "csv")
    said = f"FAIL RR@10 toy {toy:.4f} (published {toy - 0.01:.4f}); OK 1"
    assert said in [row["expected"] for row in csv.DictReader(io.StringIO(shown.stdout))]


@pytest.mark.parametrize("command", ["run", "leaderboard"])
def test_scores_that_are_not_as_expected_are_exit_code_1(
    expecting, effbench, tmp_path: Path, command: str
) -> None:
    path, toy = expecting
    ran = effbench("run", path, "--results", tmp_path / "results")
    given = [path, "--results"] if command == "run" else []
    found = effbench(command, *given, tmp_path / "results")
    assert (ran.exit_code, found.exit_code) == (1, 1)
    assert f"toys scan: not as expected: FAIL RR@10 toy {toy:.4f}" in found.stderr
    forgiven = effbench(command, *given, tmp_path / "results", "--forgive-expected")
    assert forgiven.exit_code == 0
    assert "toys scan: not as expected" in forgiven.stderr
