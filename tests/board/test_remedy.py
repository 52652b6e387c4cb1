"""The commands that would make a choice sure."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_choices import ROWS, Results
from made_records import write_results


def test_another_machine_is_measured_there(
    three_rows: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFFBENCH_MACHINE", "here")
    three_rows.measure(unsteady=[0, 1, 2])
    found = three_rows.ask("--budget", "6ms")
    assert ", on a-machine: effbench latency SUITE-FILE\n" in found


def test_a_command_names_the_results_that_hold_the_board(
    effbench, three_rows: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_rows.measure(unsteady=[0, 1, 2])
    write_results(tmp_path / "others", rows=ROWS, datasets=1, machine="there")
    asked = ("--budget", "6ms", "--allow", "unstable")
    for place in (three_rows.root, three_rows.folder.parent, three_rows.folder):
        found = effbench("leaderboard", tmp_path / "others", place, *asked).stdout
        assert f": effbench latency SUITE-FILE --results {three_rows.root}\n" in found
        for root in (three_rows.root, tmp_path / "others"):
            assert f"effbench export SUITE-FILE middle DIR --results {root}\n" in found
    monkeypatch.chdir(tmp_path)
    found = effbench("leaderboard", "results/a-machine", *asked).stdout
    assert ": effbench latency SUITE-FILE\n" in found
    assert "effbench export SUITE-FILE middle DIR\n" in found


def test_a_command_names_a_suite_file_that_exists(
    three_rows: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_rows.measure(unsteady=[0, 1, 2])
    (tmp_path / "made.yaml").write_text("suite: another\n")  # the name of a file tells nothing
    monkeypatch.chdir(tmp_path)
    assert ": effbench latency SUITE-FILE\n" in three_rows.ask("--budget", "6ms")
    (tmp_path / "search.yml").write_text("k: 100\nsuite: 'made'  # ours\n")
    found = three_rows.ask("--budget", "6ms", "--allow", "unstable")
    assert ": effbench latency search.yml\n" in found
    assert "  effbench export search.yml middle DIR\n" in found
    facts = three_rows.facts("--budget", "6ms", code=3)
    assert facts["to_make_it_sure"] == "effbench latency search.yml"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    beside = f"effbench latency {tmp_path / 'search.yml'} --results {three_rows.root}\n"
    assert beside in three_rows.ask("--budget", "6ms")
