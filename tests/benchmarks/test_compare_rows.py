"""The comparison of benchmarks/compare_rows.py, on made-up values."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from folders import ROOT
from made_records import record_of

script = runpy.run_path(str(ROOT / "benchmarks" / "compare_rows.py"))


def values(shift: float, seed: int) -> dict[str, float]:
    draw = np.random.default_rng(seed)
    return {f"q{i}": float(value) + shift for i, value in enumerate(draw.normal(size=60))}


def test_a_difference_is_found_and_noise_is_not() -> None:
    one = values(0, 1)
    noise = values(0.1, 2)
    better = {query: value + 0.2 + 0.1 * noise[query] for query, value in one.items()}
    assert script["compare"](one, one, 1000) == (0.0, 1.0)
    assert script["compare"](better, one, 1000)[1] < 0.01
    assert script["compare"](noise, one, 1000)[1] > 0.1


def test_holm_is_for_the_number_of_tests() -> None:
    assert script["holm"]([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert script["holm"]([0.9, 0.5]) == [1.0, 1.0]


def test_the_table_is_read_from_records(tmp_path: Path) -> None:
    folder = tmp_path / "machine" / "made"
    folder.mkdir(parents=True)
    cells = []
    for row, shift in (("a", 0.5), ("b", 0)):
        within = {query: value / 100 + 0.25 for query, value in values(shift * 100, 1).items()}
        record = record_of(row, "d", row, within)
        cells.append(f"d--{row}")
        (folder / f"d--{row}.json").write_text(json.dumps(record))
    suite = {
        "schema": 1,
        "suite": "made",
        "measures": ["nDCG@10"],
        "cells": cells,
        "datasets": [{"name": "d", "group": None}],
        "expected": {"scores": {}, "tolerance": 0.001, "index": "exact"},
    }
    (folder / "suite.json").write_text(json.dumps(suite))
    options = [str(tmp_path), "--suite", "made", "--row", "a", "--resamples", "999"]
    found = CliRunner().invoke(script["main"], [*options, "--against", "b"])
    assert found.exit_code == 0, found.output
    assert "| +0.5000 (p 0.0010*) |" in found.output
    missing = CliRunner().invoke(script["main"], [*options, "--against", "c"])
    assert "no row 'c'" in missing.output
