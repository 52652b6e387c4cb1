"""What a terminal shows of a leaderboard: nothing is cut, whatever its width."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from effbench.board.leaderboard import boards
from effbench.text.printing import harmless
from effbench.views.layout import table_lines
from effbench.views.render import brief_columns, cell_text, columns_for_people
from effbench.views.tables import table
from made_processes import MAIN
from made_records import NASTY, write_results
from made_sessions import write_session
from made_tables import ROWS, hidden, listed, made, parsed, said_of

pty = pytest.importorskip("pty", reason="Windows has no such terminals")

WIDTHS = (40, 80, 120, 200)


@pytest.mark.parametrize("width", [*WIDTHS, *range(50, 300, 13)])
def test_every_figure_is_whole_or_named_as_not_shown(tmp_path: Path, width: int) -> None:
    known = made(tmp_path)
    lines = list(table_lines(known, width))
    found = parsed(lines)
    if not found:
        assert width < 65
        listed(known, lines)
        return
    assert {*found[0], *hidden(lines)} == {*columns_for_people(known)}
    assert not {"row", "index", "nDCG@10"} & {*hidden(lines)}
    for cells, line in zip(found, known.lines, strict=True):
        assert cells == {name: cell_text(known, line, name) for name in cells}
    assert all(cell_len(line) <= width for line in lines[: lines.index(said_of(known))])


@pytest.mark.parametrize(
    ("first", "second"),
    [("end to end p50 ms", "encode p50 ms"), ("encode p50 ms", "encode p95 ms"),
     ("rank", "p"), ("kept", "speed-up encode")],
)  # fmt: skip
def test_the_more_important_column_stays_longer(
    tmp_path: Path, first: str, second: str
) -> None:
    known = made(tmp_path)
    grids = (parsed(list(table_lines(known, width))) for width in range(66, 160))
    shown_there = [{first, second} & {*found[0]} for found in grids]
    assert {first} in shown_there
    assert {second} not in shown_there


def test_no_time_is_shown_without_its_mark(tmp_path: Path) -> None:
    root = tmp_path / "results"
    write_results(root, rows=ROWS, datasets=1)
    folder = root / "a-machine" / "made"
    for path in (folder / "latency").iterdir():
        path.unlink()
    ms = {f"data-0--{i}": {"end to end": [9.0 - i] * 12} for i in range(2)}
    keys = {cell: f"key-{cell}" for cell in ms}
    write_session(folder, "data-0", ms, keys=keys, unsteady=["data-0--0"])
    (board,) = boards([root])
    timed = 0
    for width in range(40, 160):
        found = parsed(list(table_lines(table(board), width)))
        times = [name for name in (found[0] if found else ()) if name.endswith(" ms")]
        assert not times or found[0]["latency"] == "unstable"
        timed += bool(times)
    assert 40 < timed < 120


def in_terminal(width: int, *words: object) -> str:
    """Return what the command shows in a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, *map(str, words)],
        stdout=theirs,
        env={**os.environ, "COLUMNS": str(width)},
    ):
        os.close(theirs)
        parts = []
        with contextlib.suppress(OSError):  # so Linux says that the other end is closed
            while part := os.read(ours, 65536):
                parts.append(part)
    os.close(ours)
    return b"".join(parts).decode().replace("\r\n", "\n")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_terminal_has_a_width(tmp_path: Path, width: int) -> None:
    known = made(tmp_path)
    text = in_terminal(width, "leaderboard", tmp_path)
    assert text.splitlines() == list(table_lines(known, width))
    assert "\x1b" not in text


def test_a_pipe_has_no_width(tmp_path: Path, effbench, monkeypatch) -> None:
    known = made(tmp_path)
    monkeypatch.setenv("COLUMNS", "40")
    lines = effbench("leaderboard", tmp_path).stdout.splitlines()
    assert lines == list(table_lines(known))
    assert [*parsed(lines)[0]] == brief_columns(known)
    assert {*brief_columns(known), *hidden(lines)} == {*columns_for_people(known)}
    assert len(lines) == 1 + 2 + len(known.lines) + 2, "title, heading, rows, 2 remarks"


def test_names_that_terminals_would_obey_are_shown(tmp_path: Path) -> None:
    names = [*NASTY, "\u202eright", "\x1b[31mred", "\ttab"]
    known = made(tmp_path, rows=[name for name in names if "\x1b" not in name])
    for width in WIDTHS:
        text = "\n".join(table_lines(known, width))
        assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e]", text)
        for line in known.lines:
            assert harmless(" ".join(str(line["row"]).split())) in text
