"""What past steps have taken is remembered; a memory of nonsense is none."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from altered import altered
from effbench.store.disk import read_sealed, write_json
from effbench.work.memory import FOLDER
from made_costs import COSTLY, OTHER, costs, finished


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the suite once for all tests; return its cache."""
    from effbench.cli.commands import main

    folder = tmp_path_factory.mktemp("ran")
    (folder / "suite.yaml").write_text(COSTLY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("EFFBENCH_CACHE", str(folder / "cache"))
        finished(CliRunner().invoke(main, ["run", "suite.yaml"]))
    return folder / "cache"


@pytest.fixture
def memory(ran: Path, here: Path) -> list[Path]:
    """Return the files of a memory that a test may spoil."""
    shutil.copytree(ran, here / "cache")
    files = list(Path("cache", FOLDER).iterdir())
    assert files
    return files


def test_a_memory_that_is_damaged_is_none(effbench, suite, memory: list[Path]) -> None:
    for path in memory:
        path.write_text(path.read_text()[:-9])
    assert costs(effbench, suite(OTHER))["seconds"] == 0


@pytest.mark.parametrize("value", [0, -1, None, "x", [], 2**60])
def test_a_memory_of_nonsense_is_none(effbench, suite, memory: list[Path], value: Any) -> None:
    for path in memory:
        write_json(path, dict.fromkeys(read_sealed(path), value))
    found = costs(effbench, suite(OTHER))
    assert (found["seconds"], found["bytes_at_least"]) == (0, 1800), "of ids"
    finished(effbench("run", suite(OTHER)))
    assert costs(effbench, suite(altered(COSTLY, "600", "700", times=2)))["seconds"] > 0, (
        "learned again"
    )
