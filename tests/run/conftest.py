from __future__ import annotations

from pathlib import Path

import pytest

from made_results import SCANNED


@pytest.fixture
def folder(run, tmp_path: Path) -> Path:
    """The suite's folder of a run."""
    assert run(SCANNED).exit_code == 0
    (found,) = tmp_path.glob("results/*/toys")
    return found
