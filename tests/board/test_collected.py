"""Results of several folders put together, and what cannot be read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from made_records import NASTY, write_results


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_results(tmp_path / "results", rows=["big", "small"], datasets=2)
    return tmp_path / "results"


def draw(effbench, *arguments: object):
    return effbench("leaderboard", *arguments, "--format", "json")


def edit(path: Path, **facts: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_rows_of_two_people_join_one_table(effbench, results: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    write_results(theirs, rows=["big", "small", "third"], datasets=2)
    for path in theirs.glob("*/made/data-?--[01].json"):
        path.unlink()
    found = draw(effbench, results, theirs)
    assert found.exit_code == 0
    (table,) = json.loads(found.stdout)
    assert {line["row"] for line in table["lines"]} == {"big", "small", "third"}
    assert all(line["datasets"] == "2 of 2" for line in table["lines"])
    assert draw(effbench, theirs, results).stdout == found.stdout, "in any order"


def test_of_two_records_of_a_cell_the_newer_one_counts(effbench, results, tmp_path) -> None:
    other = tmp_path / "other"
    shutil.copytree(results, other)
    assert draw(effbench, results, other).stdout == draw(effbench, results).stdout, "copies"
    (path,) = other.glob("*/made/data-0--1.json")
    queries = json.loads(path.read_text())["per_query"]["nDCG@10"]
    better = {
        "scores": {"nDCG@10": 0.99},
        "per_query": {"nDCG@10": dict.fromkeys(queries, 0.99)},
    }
    edit(path, created="2026-11-26T03:04:05+00:00", key="newer", **better)
    (table,) = json.loads(draw(effbench, results, other).stdout)
    small = next(line for line in table["lines"] if line["row"] == "small")
    assert small["nDCG@10 data-0"] == 0.99
    assert table["remarks"] == [
        "data-0--1: 2 records; the one of 2026-11-26T03:04 by effbench 0.1.0, key newer "
        "counts, not that of 2026-11-25T00:00 by effbench 0.1.0, key key-data"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"schema": 999}', "schema 999 is newer than ours"),
        ('{"schema": 1, "sta', "cannot be read"),
        ('{"a": "foreign"}', "not a record of effbench"),
        ('{"schema": 1}', "there is no `status`"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_rest_is_drawn(
    effbench, results: Path, content: str, said: str
) -> None:
    (path,) = results.glob("*/made/data-0--1.json")
    path.write_text(content)
    found = draw(effbench, results)
    assert found.exit_code == 1
    (table,) = json.loads(found.stdout)
    assert len(table["lines"]) == 2
    assert [r for r in table["remarks"] if str(path) in r and said in r]
    assert f"left out: {path}" in found.stderr


def test_a_strange_file_is_named(effbench, results: Path) -> None:
    (folder,) = results.glob("*/made")
    (folder / "notes.json").write_text('{"mine": true}')
    found = draw(effbench, results)
    assert found.exit_code == 1
    assert "notes.json: not a record of effbench" in found.stderr
    (folder / "notes.json").write_bytes((folder / "data-0--0.json").read_bytes())
    found = draw(effbench, results)
    assert found.exit_code == 0
    assert "left out, since the suite no longer has them: notes" in found.stdout


def test_machines_are_never_mixed(effbench, results: Path) -> None:
    write_results(results, rows=["big"], datasets=2, machine="another")
    tables = json.loads(draw(effbench, results).stdout)
    assert [table["machine"] for table in tables] == ["a-machine", "another"]
    assert [len(table["lines"]) for table in tables] == [2, 1]
    only = draw(effbench, results, "--machine", "another")
    assert len(json.loads(only.stdout)) == 1
    wrong = draw(effbench, results, "--machine", "x").stderr
    assert "no results of any suite on x (known: made on a-machine, made on another)" in wrong


def test_a_damaged_suite_file_is_named_alone_and_beside_others(effbench, results: Path) -> None:
    write_results(results, rows=["big"], datasets=2, machine="another")
    first, second = sorted(results.glob("*/made/suite.json"))
    first.write_text("{")
    beside = draw(effbench, results)
    second.write_text("{")
    alone = draw(effbench, results)
    assert beside.exit_code == alone.exit_code == 1
    assert f"{first}: cannot be read" in beside.stderr
    assert f"{first}: cannot be read" in alone.stderr


def test_hostile_names_are_harmless_in_every_text(effbench, tmp_path: Path) -> None:
    write_results(tmp_path / "results", rows=NASTY, datasets=1)
    texts = {
        form: effbench("leaderboard", tmp_path / "results", "--format", form).stdout
        for form in ("markdown", "csv", "latex", "table", "svg")
    }
    assert "<img" not in texts["markdown"].replace("\\<", "")
    table = [line for line in texts["markdown"].splitlines() if line.startswith("| ")]
    bars = {line.replace("\\|", "").count("|") for line in table}
    assert len(bars) == 1, "names do not break the table"
    assert "\n'=1+1" in texts["csv"] or ",'=1+1" in texts["csv"]
    rows = [line for line in texts["latex"].splitlines() if line.endswith(r"\\")]
    assert len(rows) == len(NASTY) + 1
    (nasty,) = [row for row in rows if "i\\textasciitilde" in row]
    assert (
        r"a\textbar{}b\_c*d\$e\%f\#g\{h\}i\textasciitilde{}j\textasciicircum{}k"
        in nasty.replace(r"\allowbreak ", "")
    )
    assert "<img" not in texts["svg"]
    assert "<b>" not in texts["svg"]


def test_the_same_records_give_the_same_page(effbench, results: Path, tmp_path: Path) -> None:
    first, again = tmp_path / "first.html", tmp_path / "again.html"
    effbench("leaderboard", results, "--output", first)
    for path in sorted(results.rglob("*.json"), reverse=True):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    effbench("leaderboard", results, "--output", again)
    assert first.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("old", [None, "old"])
def test_rows_are_compared_on_the_newest_data_alone(effbench, results: Path, old) -> None:
    """Of an older record without a key of its data, the queries tell."""
    later = {"created": "2026-11-26T03:04:05+00:00", "data_key": "new"}
    for path in results.glob("*/made/data-0--*.json"):
        edit(path, **({"data_key": old} if old else {}))
    (big,) = results.glob("*/made/data-0--0.json")
    values = json.loads(big.read_text())["per_query"]["nDCG@10"]
    if old is None:
        values.popitem()
    scores = {"nDCG@10": sum(values.values()) / len(values)}
    edit(big, **later, scores=scores, per_query={"nDCG@10": values})
    (table,) = json.loads(draw(effbench, results).stdout)
    small = next(line for line in table["lines"] if line["row"] == "small")
    assert small["datasets"] == "1 of 2"
    assert table["remarks"] == [
        "left out, since data-0 has other data now than they were measured on: data-0--1 "
        "(run the suite again)"
    ]
    (path,) = results.glob("*/made/data-0--1.json")
    edit(path, **later, scores=scores, per_query={"nDCG@10": values})
    (table,) = json.loads(draw(effbench, results).stdout)
    assert table["remarks"] == []
