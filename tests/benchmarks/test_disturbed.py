"""benchmarks/kills.py and corruptions.py, a few of each; and that they find what is wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from folders import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
SCRIPTS = ROOT / "benchmarks"
BLIND = "from effbench.store.artifacts import Artifact; Artifact._bad = lambda *_: []"


def disturb(script: str, *options: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run a script after some Python that takes away what would notice."""
    path = str(SCRIPTS / script)
    program = (
        f"import sys, runpy; sys.path.insert(0, {str(SCRIPTS)!r}); sys.argv[1:] = {options!r}; "
        f"{before or 'pass'}; runpy.run_path({path!r}, run_name='__main__')"
    )
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_kills() -> None:
    found = disturb("kills.py", "--kills", "4")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "4 kills and resumes" in found.stdout


def test_corruptions() -> None:
    found = disturb("corruptions.py", "--corruptions", "10")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "10 corruptions" in found.stdout


def test_corruptions_that_nobody_looks_for_are_told() -> None:
    found = disturb("corruptions.py", "--corruptions", "20", before=BLIND)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "WRONG" in found.stdout
