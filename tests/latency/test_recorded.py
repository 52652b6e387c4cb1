"""What a session holds: times and arrays that do not fit are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_records import file_of


def columns(path: Path, **changed: Any) -> None:
    np.savez_compressed(path, **{**np.load(path), **changed})


@pytest.mark.parametrize(
    ("name", "value"),
    [("row", 2), ("span", 9), ("process", 3), ("query", 12), ("block", 7), ("ns", 0),
     ("ns", -5), ("ns", 2**62)],
)  # fmt: skip
def test_times_of_what_the_header_does_not_have_are_named(
    two_suites: Path, left_out, name: str, value: int
) -> None:
    path = file_of(two_suites, "session")
    column = np.load(path)[name].copy()
    column[5] = value
    columns(path, **{name: column})
    left_out(path, name)


@pytest.mark.parametrize(
    "changed",
    [
        {"ns": np.ones(3, dtype="i8")},
        {"ns": np.ones((2, 2), dtype="i8")},
        {"ns": np.array(7)},
        {"ns": np.ones(144, dtype="f8")},
        {"row": np.zeros(144, dtype="S9")},
        {"ns": np.array([None] * 144)},
        {"header": np.zeros(9, dtype="i8")},
    ],
)
def test_arrays_of_another_kind_are_named(two_suites: Path, left_out, changed) -> None:
    path = file_of(two_suites, "session")
    columns(path, **changed)
    left_out(path, str(changed))
