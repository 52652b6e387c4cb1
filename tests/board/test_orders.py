"""What an approximate index changes: its recall in a column, and the order of encoders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from made_indexes import put_index
from made_records import write_results

QUERIES = 40


def lost(share: float) -> Callable[[float, int], float]:
    return lambda value, _: value * share


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_results(tmp_path, rows=["big", "middle", "small"], datasets=2, queries=QUERIES)


@pytest.fixture
def shown(effbench, folder: Path) -> Callable[[], dict]:
    def read() -> dict:
        found = effbench("leaderboard", folder, "--format", "json")
        assert found.exit_code == 0, found.output
        (table,) = json.loads(found.stdout)
        return table

    return read


def test_a_pair_that_changes_places_is_named_with_both_differences(folder, shown) -> None:
    put_index(folder, "hnsw", {0: lost(0.5), 1: lost(1), 2: lost(1)}, {"efSearch": 4})
    (said,) = [remark for remark in shown()["remarks"] if "order" in remark]
    lines = {(ln["row"], ln["index"]): ln["mean nDCG@10"] for ln in shown()["lines"]}
    near = [lines[row, "hnsw efSearch=4"] for row in ("middle", "big")]
    exact = [lines[row, "exact"] for row in ("middle", "big")]
    assert near[0] > near[1]
    assert exact[0] < exact[1]
    start = "hnsw efSearch=4 changes the order of encoders by nDCG@10: "
    assert said.startswith(start)
    (part,) = [part for part in said.removeprefix(start).split("; ") if "middle" in part]
    assert part.startswith(f"middle is above big ({near[0]:.4f} and {near[1]:.4f}, p 0.0")
    assert f"through exact below it ({exact[0]:.4f} and {exact[1]:.4f}, p 0.0" in part
    assert "small is above big" in said, "the second pair"
    assert "middle and small" not in said, "they keep their order"


def test_a_difference_that_may_be_chance_is_called_so(folder, shown) -> None:
    for number in (0, 1):  # equal rows, but for one query
        path = folder / f"data-0--{number}.json"
        for name in ("data-0", "data-1"):
            record = json.loads((folder / f"{name}--0.json").read_text())
            path = folder / f"{name}--{number}.json"
            own = json.loads(path.read_text())
            values = dict(record["per_query"]["nDCG@10"])
            values["q0"] = 0.5 - 0.1 * number
            own["per_query"]["nDCG@10"] = values
            own["scores"]["nDCG@10"] = sum(values.values()) / len(values)
            path.write_text(json.dumps(own))
    put_index(folder, "pq", {0: lambda v, i: v * (i != 0), 1: lost(1)}, {})
    (said,) = [remark for remark in shown()["remarks"] if "order" in remark]
    assert said == (
        "pq changes the order of encoders by nDCG@10: "
        "by differences that may be chance, middle and big"
    )


def test_an_index_that_keeps_the_order_is_not_named(folder, shown) -> None:
    put_index(folder, "hnsw", {0: lost(0.9), 1: lost(0.9), 2: lost(0.9)}, {"efSearch": 4})
    assert not [remark for remark in shown()["remarks"] if "order" in remark]


def test_each_setting_has_its_recall_and_an_exact_index_has_none(folder, shown) -> None:
    assert not any(name.startswith("exact hits") for name in shown()["lines"][0])
    put_index(folder, "hnsw", {0: lost(1), 1: lost(1)}, {"efSearch": 4}, recall=0.8)
    put_index(folder, "hnsw-16", {0: lost(1)}, {"efSearch": 16}, recall=0.95)
    lines = {(ln["row"], ln["index"]): ln for ln in shown()["lines"]}
    assert lines["big", "hnsw efSearch=4"]["exact hits@10"] == pytest.approx(0.8)
    assert lines["big", "hnsw efSearch=4"]["exact hits@100"] == pytest.approx(0.4)
    assert lines["big", "hnsw-16 efSearch=16"]["exact hits@10"] == pytest.approx(0.95)
    assert lines["big", "exact"]["exact hits@10"] is None


def test_people_see_the_first_recall_and_may_ask_for_the_second(effbench, folder) -> None:
    def shows(*options: str) -> list[bool]:
        text = effbench("leaderboard", folder, "--format", "markdown", *options).stdout
        return [f"| exact hits@{depth} |" in text for depth in (10, 100)]

    assert shows() == [False, False]
    put_index(folder, "hnsw", {0: lost(1)}, {})
    assert shows() == [True, False]
    assert shows("--columns", "exact hits@100") == [False, True]


def test_a_row_with_the_recall_of_some_datasets_has_none(folder, shown) -> None:
    put_index(folder, "hnsw", {0: lost(1)}, {})
    path = folder / "data-1--0--hnsw.json"
    record = json.loads(path.read_text())
    del record["recall"]
    path.write_text(json.dumps(record))
    lines = {(ln["row"], ln["index"]): ln for ln in shown()["lines"]}
    assert lines["big", "hnsw"]["exact hits@10"] is None
    assert lines["big", "hnsw"]["mean nDCG@10"] is not None
