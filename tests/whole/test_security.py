"""Strangers' files: no name in them is a path, and no terminal or shell obeys them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import threading
from pathlib import Path

import pytest

from altered import altered
from made_records import EVIL, HARMFUL, SLY, write_results

COMMANDS = {
    "leaderboard": ("RESULTS",),
    "budget": ("RESULTS", "--budget", "50ms"),
    "keep": ("RESULTS", "--keep", "0.5"),
    "published": ("RESULTS", "--published", "PUBLISHED"),
    **{form: ("RESULTS", "--format", form) for form in ("markdown", "csv", "latex", "json")},
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results of a stranger, whose every name is hostile."""
    root = tmp_path / "results"
    rows = [f"big{SLY}", f"small{SLY}"]
    folder = write_results(root, rows=rows, datasets=1, trained_on=[f"what{SLY}"])
    suite = json.loads((folder / "suite.json").read_text())
    suite["suite"] += SLY
    suite["datasets"][0] |= {"note": f"note{SLY}"}
    (folder / "suite.json").write_text(json.dumps(suite))
    failed = json.loads((folder / "data-0--1.json").read_text())
    failed |= {"status": "failed", "error": f"error{SLY}"}
    (folder / "data-0--2.json").write_text(json.dumps(failed))
    suite["cells"].append("data-0--2")
    (folder / f"broken{EVIL}.json").write_text("{")
    return root


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A published model whose name is hostile."""
    folder = tmp_path / "published" / "o__m" / "1"
    folder.mkdir(parents=True)
    entry = {"hf_subset": "default", "main_score": 0, "ndcg_at_10": 0.5}
    task = {"task_name": "data-0", "scores": {"test": [entry]}}
    (folder / "data-0.json").write_text(json.dumps(task))
    (folder / "model_meta.json").write_text(json.dumps({"name": f"model{EVIL}"}))
    return tmp_path / "published"


@pytest.mark.parametrize("asked", COMMANDS)
def test_a_board_of_a_stranger_moves_no_cursor(
    effbench, results: Path, published: Path, asked: str
) -> None:
    places = {"RESULTS": results, "PUBLISHED": published}
    found = effbench("leaderboard", *(places.get(one, one) for one in COMMANDS[asked]))
    assert found.exit_code == 1, "a file could not be read"
    assert "broken" in found.stderr
    assert "big" in found.output
    assert not HARMFUL.search(found.output)


@pytest.mark.parametrize("command", ["show", "compare", "diff"])
def test_other_commands_move_none_either(effbench, results: Path, command: str) -> None:
    rows = [f"big{SLY}", f"small{SLY}"]
    arguments = {
        "show": ("data-0--2",),
        "compare": rows,
        "diff": (results, results),
    }[command]
    options = () if command == "diff" else ("--results", results)
    found = effbench(command, *arguments, *options)
    assert ("broken" if command == "diff" else "\\u202egnp") in found.output
    assert not HARMFUL.search(found.output)


def test_json_says_exactly_what_the_records_say(effbench, results: Path) -> None:
    found = effbench("leaderboard", results, "--format", "json")
    (table,) = json.loads(found.stdout)
    assert {line["row"] for line in table["lines"]} == {f"big{SLY}", f"small{SLY}"}
    shown = effbench("show", "data-0--2", "--results", results, "--json")
    assert json.loads(shown.stdout)["error"] == f"error{SLY}"
    assert not HARMFUL.search(shown.stdout)


def test_files_that_are_written_move_no_cursor_when_they_are_shown(
    effbench, results: Path, tmp_path: Path
) -> None:
    for ending in ("md", "csv", "tex", "json", "html", "svg"):
        path = tmp_path / f"board.{ending}"
        assert effbench("leaderboard", results, "--output", path).exit_code == 1
        assert not HARMFUL.search(path.read_text(encoding="utf-8")), ending


def test_what_a_plugin_raises_moves_no_cursor(effbench, suite, tmp_path, monkeypatch) -> None:
    import effbench_toy

    def broken(*_):
        raise RuntimeError(f"no luck{EVIL}")

    monkeypatch.setattr(effbench_toy.ScanRetriever, "index", broken)
    text = "suite: s\ndatasets: [{use: toy}]\nretrievers: {s: {use: scan}}\nlatency: false"
    found = effbench("run", suite(text), "--results", tmp_path / "results")
    assert found.exit_code == 1
    assert "no luck\\x1b]0;title" in found.stderr
    assert not HARMFUL.search(found.output)


def test_spreadsheets_take_no_cell_and_no_header_for_a_formula(effbench, tmp_path) -> None:
    signs = ["=1+1", "+1", "-1", "@SUM(1)", "\uff1d1"]
    folder = write_results(tmp_path / "results", rows=signs, datasets=1)
    for path in folder.glob("*.json"):
        times = 2 if "--" in path.name else 1
        text = altered(path.read_text(), '"nDCG@10"', '"=HYPERLINK(1)"', times=times)
        path.write_text(text)
    found = effbench("leaderboard", tmp_path / "results", "--format", "csv")
    assert found.exit_code == 0, found.output
    lines = list(csv.reader(io.StringIO(found.stdout)))
    assert any("HYPERLINK" in name for name in lines[0])
    assert len(lines) == 1 + len(signs)
    for cell in (cell for line in lines for cell in line):
        assert re.fullmatch(r"-\d\.\d+", cell) or not cell.startswith((*"=+-@\t\r\uff1d",))


def outside(root: Path, but: Path) -> dict[str, bytes]:
    """Return the files under a folder that are not in another."""
    files = (path for path in root.rglob("*") if path.is_file() and but not in path.parents)
    return {str(path): path.read_bytes() for path in files}


PATHS = ["..", "../..", "/etc", "a/../../../b", ""]


@pytest.mark.parametrize("where", ["row", "distribution", "index", "dataset"])
def test_no_name_of_a_record_leads_out_of_mtebs_folder(effbench, tmp_path, where: str) -> None:
    folder = write_results(tmp_path / "results", rows=["big", *PATHS], datasets=1)
    suite = json.loads((folder / "suite.json").read_text())
    for number, name in enumerate(PATHS, start=1):
        path = folder / f"data-0--{number}.json"
        record = json.loads(path.read_text())
        if where != "row":
            record["row"]["name"] = f"row{number}"
        if where == "distribution":
            record["row"]["distribution"] = name
        elif where == "dataset":
            record["dataset"] = name
            suite["datasets"].append({"name": name, "group": None})
        elif where == "index":
            record["index"]["name"] = name
        path.write_text(json.dumps(record))
    (folder / "suite.json").write_text(json.dumps(suite))
    output = tmp_path / "deep" / "er" / "mteb"
    before = outside(tmp_path, output)
    found = effbench(
        "leaderboard", tmp_path / "results", "--format", "mteb", "--output", output
    )
    assert found.exit_code == 0, found.output
    assert f"{1 + len(PATHS)} result files in" in found.stderr
    assert outside(tmp_path, output) == before


def test_two_rows_never_share_a_folder_of_mtebs(effbench, tmp_path: Path) -> None:
    folder = write_results(tmp_path / "results", rows=["a/b", "a-b"], datasets=2)
    (folder / "data-1--0.json").unlink()
    (folder / "data-0--1.json").unlink()
    found = effbench(
        "leaderboard", tmp_path / "results", "--format", "mteb", "--output", tmp_path / "m"
    )
    assert found.exit_code == 2
    assert "would have one folder" in found.stderr


SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
retrievers: {scan: {use: scan}}
latency: false
"""


def test_links_in_results_are_replaced_and_not_written_through(
    effbench, suite, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    assert effbench("run", suite(SUITE), "--results", results).exit_code == 0
    (record,) = results.glob("*/toys/toy--scan.json")
    mine = tmp_path / "mine"
    mine.write_text("mine")
    for path in (record, next(record.parent.glob("runs/*"))):
        path.unlink()
        path.symlink_to(mine)
    assert effbench("run", suite(SUITE), "--results", results).exit_code == 0
    assert mine.read_text() == "mine"
    assert not record.is_symlink()


def test_commands_to_copy_are_quoted(effbench, tmp_path: Path) -> None:
    folder = tmp_path / "my $(touch x) results"
    folder.mkdir()
    found = effbench("leaderboard", folder)
    assert f"(run a suite with --results '{folder}')" in found.stderr


def test_a_pipe_is_written_into_and_stays_one(effbench, tmp_path: Path) -> None:
    write_results(tmp_path / "results", rows=["big"], datasets=1)
    pipe, got = tmp_path / "board.md", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    found = effbench("leaderboard", tmp_path / "results", "--output", pipe)
    reader.join(5)
    assert found.exit_code == 0
    assert pipe.is_fifo()
    assert got[0].startswith("## made on a-machine")


def test_a_link_to_a_board_stays_one(effbench, tmp_path: Path) -> None:
    write_results(tmp_path / "results", rows=["big"], datasets=1)
    (tmp_path / "there").mkdir()
    link = tmp_path / "board.md"
    link.symlink_to("there/board.md")
    assert effbench("leaderboard", tmp_path / "results", "--output", link).exit_code == 0
    assert link.is_symlink()
    assert (tmp_path / "there" / "board.md").read_text().startswith("## made")
