"""What past steps have taken is remembered; a memory of nonsense is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from altered import altered
from effbench.store.disk import read_sealed, write_json
from effbench.work.memory import FOLDER
from made_costs import COSTLY, OTHER, costs, finished

pytestmark = pytest.mark.usefixtures("here")


def test_a_memory_that_is_damaged_is_none(effbench, suite) -> None:
    finished(effbench("run", suite(COSTLY)))
    for path in Path("cache", FOLDER).iterdir():
        path.write_text(path.read_text()[:-9])
    assert costs(effbench, suite(OTHER))["seconds"] == 0


@pytest.mark.parametrize("value", [0, -1, None, "x", [], 2**60])
def test_a_memory_of_nonsense_is_none(effbench, suite, value: Any) -> None:
    finished(effbench("run", suite(COSTLY)))
    for path in list(Path("cache", FOLDER).iterdir()):
        write_json(path, dict.fromkeys(read_sealed(path), value))
    found = costs(effbench, suite(OTHER))
    assert (found["seconds"], found["bytes_at_least"]) == (0, 1800), "of ids"
    finished(effbench("run", suite(OTHER)))
    assert costs(effbench, suite(altered(COSTLY, "600", "700", times=2)))["seconds"] > 0, (
        "learned again"
    )
