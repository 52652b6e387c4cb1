"""A plugin in a folder of its own, installed with pip, is listed and runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from folders import TESTS
from made_processes import MAIN

FOLDER = TESTS / "third_party"
SUITE = """\
suite: letters
datasets: [{use: stdlib, docs: 200}]
encoders: {letters: {use: letters, alphabet: aeiou}}
indexes: {exact: {use: exact}}
latency: false
"""


def test_it_has_at_most_thirty_lines() -> None:
    assert len((FOLDER / "effbench_letters.py").read_text().splitlines()) <= 30


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_installed_with_pip_it_is_listed_and_runs(tmp_path: Path, suite) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site]
    source = tmp_path / "source"
    source.mkdir()
    for path in FOLDER.iterdir():
        if path.is_file():
            (source / path.name).write_bytes(path.read_bytes())
    subprocess.run([*command, source], check=True)

    def effbench(*arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(site), "EFFBENCH_IN_PROCESS": "0"}
        start = [
            sys.executable,
            "-c",
            MAIN,
            *arguments,
        ]
        return subprocess.run(
            start, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert "letters (effbench-letters 0.1)\n  encoders: letters" in effbench("plugins")
    found = effbench("run", str(suite(SUITE)), "--results", str(tmp_path / "results"), "--json")
    (line,) = json.loads(found)[0]["lines"]
    assert line["row"] == "letters"
    assert 0 < line["nDCG@10"] < 0.5
