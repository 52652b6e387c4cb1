from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from made_processes import MAIN, environment


@pytest.fixture
def run_alone(suite, tmp_path: Path):
    """Run a suite's text in a process of its own."""

    def start(text: str, *options: str, first: str = "") -> subprocess.CompletedProcess[str]:
        code = f"{first}\n{MAIN}"
        command = [sys.executable, "-c", code, "run", str(suite(text))]
        return subprocess.run(
            [*command, "--results", str(tmp_path / "results"), *options],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return start
