"""What a terminal shows of a leaderboard: nothing is cut, whatever its width."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from effbench.board.leaderboard import boards
from effbench.latency.samples import read_session
from effbench.text.printing import harmless
from effbench.views import session, showing
from effbench.views.layout import drawn
from effbench.views.render import for_people, shown
from effbench.views.selection import select
from effbench.views.tables import Table, table
from made_records import NASTY, OFFER, write_results
from made_sessions import write_session

pty = pytest.importorskip("pty", reason="Windows has no such terminals")

WIDTHS = (40, 80, 120, 200)
ROWS = ["all-MiniLM-L6-v2", "a-student-with-quite-a-name", "中文-encoder", "e\u0301\U0001f680"]
INDEX = {"index": {"name": "hnsw", **OFFER}, "search": {"efSearch": 64, "quantize": "int8"}}


def made(root: Path, **given: object) -> Table:
    facts = {"rows": ROWS, "datasets": 1, "retrievers": {"bm25": 2.0}, **INDEX, **given}
    write_results(root, **facts)
    (board,) = boards([root])
    return table(board)


def characters(line: str) -> list[str]:
    """Return what stands in each place of a line: a wide character takes two."""
    places: list[str] = []
    for one in line:
        if cell_len(one):
            places += [one, *[""] * (cell_len(one) - 1)]
        else:
            places[-1] += one
    return places


def parsed(lines: list[str]) -> list[dict[str, str]]:
    """Return the cells of a grid by heading; none where rows are listed."""
    rules = [place for place, line in enumerate(lines) if re.fullmatch(r"--[- ]*", line)]
    if not rules:
        return []
    spans = [found.span() for found in re.finditer("-+", lines[rules[0]])]
    end = next(i for i, line in enumerate(lines) if line.startswith("baseline: "))
    heads, *cells = (
        [["".join(characters(line)[a:b]).strip() for a, b in spans] for line in part]
        for part in (lines[1 : rules[0]], lines[rules[0] + 1 : end])
    )
    names = [" ".join(filter(None, parts)) for parts in zip(*heads, strict=True)]
    found: list[dict[str, str]] = []
    for own in cells[0]:
        line = dict(zip(names, own, strict=True))
        if line["row"]:
            found.append(line)
        else:
            found[-1] = {name: f"{found[-1][name]} {line[name]}".strip() for name in names}
    return found


def hidden(lines: list[str]) -> list[str]:
    """Return the columns that are said not to be shown."""
    said = [line for line in lines if line.startswith("not shown: ")]
    return said[0].removeprefix("not shown: ").partition(" (")[0].split(", ") if said else []


def listed(known: Table, lines: list[str]) -> None:
    """Hold that the lines list the rows whole, each with its setting and score."""
    for line in known.lines:
        place = lines.index(shown(known, line, "row"))
        paragraph = lines[place + 1 : lines.index("", place)]
        assert f"  nDCG@10: {shown(known, line, 'nDCG@10')}" in paragraph
        assert not line["index"] or f"  index: {line['index']}" in paragraph


@pytest.mark.parametrize("width", [*WIDTHS, *range(50, 300, 13)])
def test_every_figure_is_whole_or_named_as_not_shown(tmp_path: Path, width: int) -> None:
    known = made(tmp_path)
    lines = list(drawn(known, width))
    found = parsed(lines)
    if not found:
        assert width < 65
        listed(known, lines)
        return
    assert {*found[0], *hidden(lines)} == {*for_people(known)}
    assert not {"row", "index", "nDCG@10"} & {*hidden(lines)}
    for cells, line in zip(found, known.lines, strict=True):
        assert cells == {name: shown(known, line, name) for name in cells}
    assert all(cell_len(line) <= width for line in lines[: lines.index(said_of(known))])


def said_of(known: Table) -> str:
    return f"baseline: {known.baseline}"


@pytest.mark.parametrize(
    ("first", "second"),
    [("end to end p50 ms", "encode p50 ms"), ("encode p50 ms", "encode p95 ms"),
     ("rank", "p"), ("kept", "speed-up encode")],
)  # fmt: skip
def test_the_more_important_column_stays_longer(
    tmp_path: Path, first: str, second: str
) -> None:
    known = made(tmp_path)
    grids = (parsed(list(drawn(known, width))) for width in range(66, 160))
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
        found = parsed(list(drawn(table(board), width)))
        times = [name for name in (found[0] if found else ()) if name.endswith(" ms")]
        assert not times or found[0]["latency"] == "unstable"
        timed += bool(times)
    assert 40 < timed < 120


def in_terminal(width: int, *words: object) -> str:
    """Return what the command shows in a terminal."""
    ours, theirs = pty.openpty()
    code = "from effbench.cli.commands import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
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
    assert text.splitlines() == list(drawn(known, width))
    assert "\x1b" not in text


def test_a_pipe_has_no_width(tmp_path: Path, effbench, monkeypatch) -> None:
    known = made(tmp_path)
    monkeypatch.setenv("COLUMNS", "40")
    lines = effbench("leaderboard", tmp_path).stdout.splitlines()
    assert lines == list(drawn(known))
    assert [*parsed(lines)[0]] == for_people(known)
    assert len(lines) == 1 + 2 + len(known.lines) + 1, "title, heading, rows, baseline"


def test_names_that_terminals_would_obey_are_shown(tmp_path: Path) -> None:
    names = [*NASTY, "\u202eright", "\x1b[31mred", "\ttab"]
    known = made(tmp_path, rows=[name for name in names if "\x1b" not in name])
    for width in WIDTHS:
        text = "\n".join(drawn(known, width))
        assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e]", text)
        for line in known.lines:
            assert harmless(" ".join(str(line["row"]).split())) in text


def test_single_datasets_are_shown_where_they_are_few(tmp_path: Path) -> None:
    few = made(tmp_path / "few", datasets=2)
    assert {"nDCG@10 data-0", "kept data-1"} <= {*parsed(list(drawn(few)))[0]}
    many = list(drawn(made(tmp_path / "many", datasets=3)))
    assert hidden(many) == ["figures of single datasets"]
    assert "nDCG@10 data-0" not in parsed(many)[0]


def test_columns_are_chosen(tmp_path: Path, effbench) -> None:
    known = made(tmp_path)
    options = ["--columns", "R,encode p99 ms", "--columns", "kept"]
    found = effbench("leaderboard", tmp_path, *options)
    assert (found.exit_code, found.stdout) == (2, "")
    assert "--columns R: no such column (known: " in found.stderr
    assert " low," not in found.stderr
    options[1] = "encode p99 ms , kept,kept low"
    lines = effbench("leaderboard", tmp_path, *options).stdout.splitlines()
    assert [*parsed(lines)[0]] == ["row", "index", "encode p99 ms", "kept", "kept low"]
    assert not hidden(lines)
    assert parsed(lines)[1]["row"] == known.lines[1]["row"]
    for asked, heads in (
        ("row", ["row", "index"]), ("p,row,p", ["row", "index", "p"]),
        ("index,p,row", ["index", "p", "row"]),
    ):  # fmt: skip
        head, *_ = effbench("leaderboard", tmp_path, "--columns", asked).stdout.splitlines()[1:]
        assert re.split("  +", head.strip()) == heads
    near = effbench("leaderboard", tmp_path, "--columns", "encode p59 ms")
    assert "(did you mean 'encode p" in near.stderr
    for word in ("ndcg", "NDCG@10", "dcg"):
        assert "(did you mean 'nDCG@10'?)" in (
            effbench("leaderboard", tmp_path, "--columns", word).stderr
        )


def test_chosen_columns_hold_in_every_table(tmp_path: Path, effbench) -> None:
    made(tmp_path)

    def written(form: str) -> str:
        options = ["--columns", "p,kept", "--format", form]
        found = effbench("leaderboard", tmp_path, *options)
        assert found.exit_code == 0, found.output
        return found.stdout

    assert "| row | index | p | kept |\n" in written("markdown")
    assert "row & index & p & kept \\\\\n" in written("latex")
    (row, *_) = csv.DictReader(io.StringIO(written("csv")))
    assert [*row] == ["suite", "machine", "row", "index", "p", "kept", "baseline"]
    (line, *_) = json.loads(written("json"))[0]["lines"]
    assert {*line} == {"row", "index", "p", "kept", "baseline"}
    refused = effbench("leaderboard", tmp_path, "--columns", "p", "--format", "html")
    assert "--columns are a table's, and html is none" in refused.stderr


def stacked(known: Table, width: float) -> list[dict[str, str]]:
    """Return the cells by heading, whether they stand in a grid, in some, or in a list."""
    title, *lines = drawn(known, width)
    text = "\n".join(lines[: lines.index(said_of(known))])
    found: list[dict[str, str]] = [{} for _ in known.lines]
    for part in text.strip("\n").split("\n\n"):
        grid = parsed([title, *part.split("\n"), "baseline: "])
        for line, cells in zip(found, grid, strict=False):
            line |= cells
    return found


@pytest.mark.parametrize("width", [80, 120, 200])
def test_columns_that_were_asked_for_are_all_there(tmp_path: Path, width: int) -> None:
    (known,) = select([made(tmp_path, datasets=6)], ["all"])
    assert len(known.chosen) > 25
    for cells, line in zip(stacked(known, width), known.lines, strict=True):
        assert cells == {name: shown(known, line, name) for name in known.chosen}
    assert all(cell_len(line) <= width for line in drawn(known, width))
    assert not hidden(list(drawn(known, width)))


def test_columns_that_were_asked_for_are_listed_where_two_have_no_room(tmp_path: Path) -> None:
    (known,) = select([made(tmp_path)], ["all"])
    lines = list(drawn(known, 40))
    listed(known, lines)
    for line in known.lines:
        assert f"  effect: {shown(known, line, 'effect')}" in lines


def test_a_latency_session_shows_every_column(tmp_path: Path) -> None:
    write_results(tmp_path, rows=ROWS, datasets=1)
    (path,) = tmp_path.glob("a-machine/made/latency/*.npz")
    known, _ = session.tables(read_session(path), "made", "a-machine")
    assert not hidden(list(drawn(known, 60)))
    for cells, line in zip(stacked(known, 60), known.lines, strict=True):
        assert cells == {name: shown(known, line, name) for name in for_people(known)}


def test_a_measure_is_its_mean_where_there_are_several_datasets(
    tmp_path: Path, effbench
) -> None:
    made(tmp_path, datasets=2)
    lines = effbench("leaderboard", tmp_path, "--columns", "nDCG@10").stdout.splitlines()
    assert [*parsed([*lines, "baseline: "])[0]] == ["row", "index", "mean nDCG@10"]


SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10, "P(rel=2,judged_only=True)@5"]
encoders: {words: {use: words}}
indexes: {plain: {use: plain}}
latency: false
"""


def test_a_run_knows_its_columns_before_it_works(suite, tmp_path: Path, effbench) -> None:
    words = ["run", suite(SUITE), "--results", tmp_path / "results", "--columns"]
    found = effbench(*words, "nDGC@10")
    assert found.exit_code == 2
    assert "--columns nDGC@10: no such column (did you mean 'nDCG@10'?)" in found.stderr
    assert not (tmp_path / "results").exists()
    text = effbench(*words, "P(rel=2,judged_only=True)@5,encode p99 ms").stdout
    head = text.splitlines()[1]
    assert head.split("  ")[0].strip() == "row"
    assert "P(rel=2,judged_only=True)@5" in head
    assert "nDCG@10" not in head


@pytest.fixture
def compared(tmp_path: Path, effbench):
    """Show two suites with another baseline."""
    write_results(tmp_path, rows=["big", "small"], datasets=1, retrievers={"scan": 2.0})
    write_results(tmp_path, rows=["other"], datasets=1, suite="another")

    def show(*options: str, row: str = "small"):
        return effbench("leaderboard", tmp_path, "--baseline", row, *options)

    return show


def test_another_baseline_is_that_of_every_figure(compared) -> None:
    another, made = json.loads(compared("--format", "json").stdout)
    lines = {line["row"]: line for line in made["lines"]}
    assert lines["small"]["kept"] is None
    for row in ("big", "scan"):
        assert lines[row]["kept"] == lines[row]["nDCG@10"] / lines["small"]["nDCG@10"]
        assert lines[row]["p"] is not None
        assert lines[row]["baseline"] == "small"
    assert lines["big"]["speed-up encode"] == pytest.approx(0.5)
    assert another["lines"][0]["baseline"] == "other"
    assert another["remarks"] == ["the baseline is the suite's: there is no row small here"]


def test_tables_name_their_baseline(compared) -> None:
    said = "baseline: small through exact"
    assert f"\n{said}\n" in compared().stdout
    assert f"\n- {said}\n" in compared("--format", "markdown").stdout
    assert f"; {said}}}\n" in compared("--format", "latex", "--suite", "made").stdout
    assert said not in compared("--columns", "nDCG@10").stdout


def test_the_page_names_its_baseline(compared) -> None:
    pytest.importorskip("vl_convert")
    assert '"baseline_said":"small through exact"' in compared("--format", "html").stdout


def test_a_share_is_kept_of_the_chosen_baseline(compared) -> None:
    words = "--suite", "made", "--keep", "100%"
    assert "take small through exact" in compared(*words).stdout
    assert "take big through exact" in compared(*words, row="big").stdout


def test_a_baseline_that_is_none_is_one_line(compared) -> None:
    found = compared(row="smal")
    assert found.exit_code == 2
    said = "Error: --baseline smal: no such row (did you mean 'small'?)\n"
    assert found.stderr == said
    assert "(known: other)" in compared("--suite", "another").stderr


def test_a_baseline_with_two_indexes_says_which(tmp_path: Path, effbench) -> None:
    write_results(tmp_path / "a", rows=["big", "small"], datasets=1)
    assert "baseline: big through exact\n" in effbench("leaderboard", tmp_path / "a").stdout


def test_facts_of_a_record_line_up() -> None:
    lines = showing.lines({"models": {"中文": {"loss": 0.5}, "plain": {"loss": 0.5}}})
    assert {cell_len(line.removesuffix("0.5000")) for line in lines} == {41}
