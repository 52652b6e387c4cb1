"""What the environment says of several processes: believed if torchrun's, or forgotten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from altered import altered

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
retrievers: {scan: {use: scan}}
latency: false
"""
WHOLE = {
    "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost",
    "MASTER_PORT": "29500",
}  # fmt: skip


@pytest.mark.parametrize(
    "left",
    [
        {"RANK": "1"},
        {"RANK": "one"},
        {"WORLD_SIZE": "2", "RANK": "1"},
        {"LOCAL_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"},
        {**WHOLE, "MASTER_ADDR": ""},
        {**WHOLE, "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"},
    ],
)
def test_what_another_program_left_means_nothing_and_no_library_sees_it(
    effbench, suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left
) -> None:
    for name, value in left.items():
        monkeypatch.setenv(name, value)
    found = effbench("run", suite(SUITE), "--results", tmp_path / "results")
    assert found.exit_code == 0, found.stderr
    assert "1 cell done" in found.stderr
    assert "scan" in found.stdout
    assert not set(left) & set(os.environ)


@pytest.mark.parametrize("command", ["run", "plan", "latency"])
def test_a_failure_is_told_with_rank_1(effbench, suite, tmp_path, monkeypatch, command) -> None:
    monkeypatch.setenv("RANK", "1")
    text = altered(SUITE, "{use: scan}", "{use: scan, twice: true}")
    options = () if command == "plan" else ("--results", tmp_path / "results")
    found = effbench(command, suite(text), *options)
    assert found.exit_code == (0 if command == "plan" else 1)
    assert ("FAILED toy--scan" in found.stderr) == (command != "plan")


@pytest.mark.parametrize(
    "wrong",
    [
        {"RANK": "2"},
        {"RANK": "-1"},
        {"RANK": "one"},
        {"WORLD_SIZE": "0"},
        {"LOCAL_RANK": "2"},
        {"MASTER_PORT": "http"},
    ],
)
def test_nonsense_of_torchrun_is_one_line(effbench, suite, monkeypatch, wrong) -> None:
    for name, value in {**WHOLE, **wrong}.items():
        monkeypatch.setenv(name, value)
    found = effbench("plan", suite(SUITE))
    assert found.exit_code == 2
    assert found.stderr.startswith("Error: the environment has RANK=")
    assert found.stderr.count("\n") == 1


def test_a_second_process_without_a_first_one_is_refused(effbench, suite, monkeypatch) -> None:
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)
    found = effbench("run", suite(SUITE))
    assert found.exit_code == 2
    assert "no process of RANK=0 beside this one" in found.stderr
