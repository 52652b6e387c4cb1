"""Made results, and what `effbench verify` refuses of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_records import write_results


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a suite on a machine, with records and no session."""
    return write_results(tmp_path / "results", rows=["big", "small"], datasets=1, queries=20)


@pytest.fixture
def refused(effbench, tmp_path: Path):
    def verify() -> list[str]:
        found = effbench("verify", tmp_path / "results", "--json")
        lines = json.loads(found.stdout)["refused"]
        assert found.exit_code == bool(lines), found.output
        return lines

    return verify
