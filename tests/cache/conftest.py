from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from made_cache import CACHED, values


@pytest.fixture
def rerun(effbench, suite, tmp_path: Path) -> Callable[..., dict[str, dict]]:
    """Run a suite with fresh records; return its cells' values, query by query."""

    def finish(name: str = "toys", docs: int = 60) -> dict[str, dict]:
        path = suite(CACHED.format(name=name, docs=docs), f"{name}.yaml")
        shutil.rmtree(tmp_path / "results", ignore_errors=True)
        found = effbench("run", path, "--results", tmp_path / "results")
        assert found.exit_code == 0, found.output
        return values(tmp_path / "results")

    return finish


@pytest.fixture
def held(effbench) -> Callable[[], list[dict]]:
    """Return the steps that the cache holds."""
    return lambda: json.loads(effbench("cache", "--json").stdout)["steps"]
