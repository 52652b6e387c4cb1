"""The tutorial is what happens: a test writes its files and types its commands."""

from __future__ import annotations

import json
import runpy
import subprocess
from pathlib import Path

import pytest

from folders import ROOT

DOCS = ROOT / "docs"
tutorial = runpy.run_path(str(DOCS / "tutorial.py"))
followed, type_in = tutorial["followed"], tutorial["type_in"]
PAGE = (DOCS / "tutorial.md").read_text(encoding="utf-8")


def test_what_commands_said_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    typed = []

    def say(command: str, folder: Path) -> str:
        typed.append((command, sorted(path.name for path in folder.iterdir())))
        return "said\n"

    page = followed(PAGE, tmp_path, say)
    assert followed(page, tmp_path, say) == page
    assert page.count("\nsaid\n") == len(typed) / 2
    assert [line for line in page.split("\n") if line.startswith("$ ")] == [
        line for line in PAGE.split("\n") if line.startswith("$ ")
    ]
    assert typed[0] == ("python example.py", ["example.py"])
    assert (tmp_path / "search.yaml").read_text() in PAGE


def test_a_command_that_fails_ends_it(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        followed("```console\n$ exit 3\n```\n", tmp_path, type_in)


def test_its_suite_can_be_planned(tmp_path: Path, effbench) -> None:
    def plan(command: str, folder: Path) -> str:
        if command == "python example.py":
            return type_in(command, folder)
        if command.startswith("effbench plan"):
            found = effbench("plan", folder / "search.yaml")
            assert found.exit_code == 0, found.output
        return ""

    followed(PAGE, tmp_path, plan)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_it_goes_from_a_csv_to_an_encoder(tmp_path: Path) -> None:
    said = {}

    def keep(command: str, folder: Path) -> str:
        said[command] = type_in(command, folder)
        return said[command]

    followed(PAGE, tmp_path, keep)
    records = [
        json.loads(path.read_text()) for path in tmp_path.glob("results/*/search/*--*.json")
    ]
    scores = {record["row"]["name"]: record["scores"]["nDCG@10"] for record in records}
    assert scores.keys() == {"all-MiniLM-L6-v2", "static", "gru", "bm25"}
    assert scores["bm25"] < scores["static"], "students learned"
    assert 0.7 * scores["all-MiniLM-L6-v2"] < scores["gru"], "it keeps 83 % here"
    students = [record for record in records if record["row"]["name"] in ("static", "gru")]
    assert all(record["trained_on"] == ["corpus", "other queries"] for record in students)
    assert "static" in said["effbench leaderboard results --budget 1ms"]
    assert len(said["python find.py"].split()) == 3
    assert "zipfile" in said["python find.py"]
