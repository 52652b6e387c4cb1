"""Any JSON as records: it is named and left out, or harmless, and the other rows stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board import FORMS, Board, damaged_records, lines, looked
from trial import FUZZ, tried

OTHERS = ["budget", "diff", "diff back", "compare", "show", "mteb", "leaderboard"]


@pytest.fixture(scope="module")
def board(tmp_path_factory) -> Board:
    return Board(tmp_path_factory.mktemp("records"))


@FUZZ
@given(data=st.data(), form=st.sampled_from(FORMS), other=st.sampled_from(OTHERS))
def test_records(board: Board, monkeypatch, data, form, other) -> None:
    monkeypatch.chdir(board.root.parent)
    typed = [path for path in board.records if "typed" in path.name]
    several = st.lists(st.sampled_from(typed), min_size=1, max_size=2, unique=True)
    paths = data.draw(st.one_of(several, several, st.just([board.folder / "suite.json"])))
    files = data.draw(damaged_records({path: board.records[path] for path in paths}))
    with board.damaged(files):
        found = tried("leaderboard", board.root, "--format", "json")
        if found.exit_code:
            assert any(path.name in found.stderr for path in files)
        if paths[0] in typed:
            assert found.exit_code != 2
            if "has other data now" not in found.stdout:  # the newest record says which counts
                assert honest(lines(found)) == honest(board.table)
        looked(board, other, form)


def honest(table):
    wanted = "mean nDCG@10", "nDCG@10 toy", "nDCG@10 more", "mean RR@10", "encode p50 ms"
    return {
        place: [line[name] for name in wanted]
        for place, line in table.items()
        if place[0] in ("words", "scan")
    }
