"""The figure of benchmarks/quality_latency.py, drawn from made-up records."""

from __future__ import annotations

import json
import runpy
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib", reason="figures need matplotlib: effbench[plots]")
from matplotlib.backends.backend_agg import FigureCanvasAgg

from effbench.tables import tables
from made_sessions import write_session

ROOT = Path(__file__).parents[1]
ROWS: dict[str, tuple[float, dict[str, float]]] = {
    "teacher": (0.452, {"encode": 19.8}),
    "half of it": (0.449, {"encode": 10.1}),
    "two layers": (0.431, {"encode": 3.9}),
    "one layer": (0.407, {"encode": 2.2}),
    "one layer, int8": (0.405, {"encode": 1.1}),
    "GRU": (0.424, {"encode": 0.61, "after last word": 0.15}),
    "GRU, int8": (0.422, {"encode": 0.33, "after last word": 0.09}),
    "LSTM <&> $x_1$": (0.423, {"encode": 0.7, "after last word": 0.19}),
    "static": (0.362, {"encode": 0.021}),
    "bm25": (0.321, {"end to end": 0.4}),
}


def write(folder: Path, name: str, content: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"schema": 1, **content}))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results" / "a-machine" / "made-up"
    cells = [f"cell{number}" for number in range(len(ROWS))]
    for cell, (row, (score, p50)) in zip(cells, ROWS.items(), strict=True):
        system = "end to end" in p50
        record = {
            "status": "done",
            "dataset": "data",
            "row": {"name": row},
            "passages": None if row in ("teacher", "bm25") else "teacher",
            "index": None if system else {"name": "exact"},
            "search": {},
            "scores": {"nDCG@10": score},
            "costs": {"index_bytes": 1},
            "key": "key",
            "created": "2026-11-25T00:00:00+00:00",
            "per_query": {},
        }
        write(folder, cell, record)
    taken = [{span: [ms] * 11 for span, ms in p50.items()} for _, p50 in ROWS.values()]
    write_session(folder, "data", dict(zip(cells, taken, strict=True)))
    suite = {
        "suite": "made-up",
        "measures": ["nDCG@10"],
        "datasets": [{"name": "data", "group": None}],
        "expected": {"index": "exact", "tolerance": 0, "scores": {}},
        "cells": cells,
    }
    write(folder, "suite", suite)
    return tmp_path / "results"


@pytest.fixture
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "benchmarks" / "quality_latency.py"))


def test_it_holds_the_label_of_each_row_and_comes_out_the_same(
    results: Path, tmp_path: Path, script: dict[str, Any]
) -> None:
    first, again = tmp_path / "a.svg", tmp_path / "b.svg"
    for path in (first, again):
        script["main"]([str(results), "--output", str(path)])
    words = {"".join(one.itertext()).strip() for one in ElementTree.parse(first).iter()}
    assert set(ROWS) <= words
    assert {
        "made-up on a-machine, index exact",
        "nDCG@10",
        "kept of the teacher's score",
    } <= words
    assert first.read_bytes() == again.read_bytes()


def test_labels_cover_nothing(results: Path, script: dict[str, Any]) -> None:
    figure = script["draw"](tables([results]), None)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    (axes, *_) = figure.axes
    labels = [text for text in axes.texts if text.get_text()]
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in labels]
    assert len(boxes) == len(ROWS)
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    for line in axes.lines:
        for spot in axes.transData.transform(line.get_xydata()):
            assert not any(box.contains(*spot) for box in boxes)


def test_a_suite_and_an_index_can_be_chosen(
    results: Path, tmp_path: Path, script: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "a.svg"
    arguments = [str(results), "--output", str(output), "--suite"]
    script["main"]([*arguments, "made-up", "--index", "hnsw"])
    assert "bm25" in output.read_text()
    assert "static" not in output.read_text()
    assert "no score or no latency of GRU, GRU, int8" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="--suite other: no results of it"):
        script["main"]([*arguments, "other"])


def test_results_without_latency_are_one_line(
    results: Path, tmp_path: Path, script: dict[str, Any]
) -> None:
    for path in results.glob("*/*/latency/*"):
        path.unlink()
    with pytest.raises(SystemExit, match="no row with a score and a latency"):
        script["main"]([str(results), "--output", str(tmp_path / "a.svg")])
