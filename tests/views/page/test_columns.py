"""The columns of the page: their figures are those of the table."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from made_indexes import put_index
from made_records import write_results


def test_the_page_has_the_figures_of_the_table_as_texts(effbench, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    folder = write_results(tmp_path / "results", rows=["big", "small"], datasets=2)
    for path in folder.glob("data-*.json"):
        record = json.loads(path.read_text())
        record["vectors"] = {"big": "tokens", "small": "sparse"}[record["row"]["name"]]
        record["costs"] |= {"vectors_bytes": 70_000, "saved_bytes": 0, "index_seconds": 2}
        path.write_text(json.dumps(record))
    put_index(folder, "hnsw", {1: lambda value, _: value / 2}, {"efSearch": 4})
    made = effbench("leaderboard", tmp_path / "results", "--output", tmp_path / "board.html")
    assert made.exit_code == 0, made.output
    page = (tmp_path / "board.html").read_text()
    (data,) = re.findall(r'id="data">(.*?)</script>', page)
    (board,) = json.loads(data)["boards"]
    columns = {
        column["title"]: [cell and cell[0] for cell in board["shared"][column["cells"]]]
        for column in board["columns"]
        if column["first"] != "text" and column["unit"] in (None, "mean")
    }
    table = effbench("leaderboard", tmp_path / "results", "--format", "markdown").stdout
    head, _, *lines = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("|")
    )
    both = {*columns} & {*head}
    assert {
        "mean nDCG@10",
        "kept",
        "p",
        "encode p50 ms",
        "speed-up encode",
        "exact hits@10",
        "index MB",
        "vectors MB",
        "saved MB",
        "index s",
    } <= both
    kinds = next(column for column in board["columns"] if column["title"] == "vectors")
    at = head.index("vectors")
    assert board["shared"][kinds["cells"]] == [line[at] for line in lines]
    assert {line[at] for line in lines} == {"tokens", "sparse"}
    for title in both:
        texts = [line[head.index(title)].split(" ")[0] for line in lines]
        assert [(text or "-").split(" ")[0] for text in columns[title]] == texts
    best = board["shared"][board["fronts"]["\t".join(["", "nDCG@10", "mean", "encode", "p50"])]]
    assert sorted(best) == [0, 1], "the better and the faster one"
