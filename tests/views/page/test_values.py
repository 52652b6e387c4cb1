"""Which rows of a page have the values of their queries."""

from __future__ import annotations

import json
from pathlib import Path

from effbench.board.leaderboard import boards
from effbench.views.page.values import query_values
from made_records import write_results


def test_rows_have_their_values_while_there_is_room(tmp_path: Path) -> None:
    rows = ["big", "middle", "small"]
    folder = write_results(tmp_path, rows=rows, datasets=2, missing=["small"], queries=30)
    (board,) = boards([tmp_path])
    numbers = {line.row: number for number, line in enumerate(board.lines)}
    found = query_values(board, [numbers["small"]], 90)
    assert list(found["lines"]) == [numbers["small"], numbers["big"]], "30 and 60 values"
    record = json.loads((folder / "data-0--2.json").read_text())
    values = found["lines"][numbers["small"]]["data-0"]
    known = dict(zip(found["queries"]["data-0"], values, strict=True))
    assert known == {q: round(1000 * v) for q, v in record["per_query"]["nDCG@10"].items()}
    assert [*query_values(board, [], 150)["lines"]] == [0, 1, 2]
    assert query_values(board, [], 20)["lines"] == {}
