from __future__ import annotations

from pathlib import Path

import pytest

from made_choices import Results


@pytest.fixture
def three_rows(effbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setenv("EFFBENCH_MACHINE", "a-machine")
    return Results(effbench, tmp_path / "results")
