"""`effbench heat-map`: what it reads of records, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from altered import altered
from made_records import NASTY, write_results

pytest.importorskip("vl_convert")
MIX = {
    "similarities": {"data-0": 1.0, "data-1": 0.5},
    "weights": {"data-1": 0.75},
    "similarity": "average",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The records of rows r0 and r1 on two datasets; r0 mixes prompts."""
    write_results(tmp_path / "results", rows=["r0", "r1"], datasets=2)
    for path in (tmp_path / "results").rglob("*--0.json"):
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "models": {"mix": MIX, "base": None}}))
    return tmp_path / "results"


@pytest.fixture
def draw(effbench, folder: Path):
    return lambda row, name="map.svg": effbench(
        "heat-map", folder, row, "--output", folder / name
    )


def test_a_line_for_each_target_with_its_weights(draw, folder: Path) -> None:
    found = draw("r0")
    assert found.exit_code == 0, found.output
    assert (folder / "map.svg").read_text().count(">0.75<") == 2


@pytest.mark.parametrize("name", ["map.html", "map.svg", "map.png"])
def test_the_same_records_give_the_same_bytes(draw, folder: Path, name: str) -> None:
    for place in (name, f"again-{name}"):
        assert draw("r0", place).exit_code == 0
    drawn, again = ((folder / place).read_bytes() for place in (name, f"again-{name}"))
    if name == "map.html":  # it says its own name
        drawn = altered(drawn, b"<title>map<", b"<title>again-map<")
    assert drawn == again


def test_hostile_names_are_text_on_a_page(draw, folder: Path) -> None:
    path = next(folder.rglob("*--0.json"))
    mix = {**MIX, "similarities": {name: 0.5 for name in NASTY}}
    path.write_text(json.dumps({**json.loads(path.read_text()), "models": {"mix": mix}}))
    assert draw("r0", "map.html").exit_code == 0
    page = (folder / "map.html").read_text()
    assert "<b>bold" not in page
    assert "onerror" in page, "as text"
    (spec,) = re.findall(r'id="spec">(.*?)</script>', page)
    squares = next(data["values"] for data in json.loads(spec)["data"] if "values" in data)
    assert len(squares) == len(NASTY) + 2
    assert {one["similarity"] for one in squares} == {0.5, 1.0}


def test_another_ending_is_one_line(draw, folder: Path) -> None:
    found = draw("r0", "map.bmp")
    assert found.exit_code == 2
    said = f"{folder}/map.bmp: cannot be drawn (end its name in .html, .svg, .png, .pdf)"
    assert said in found.stderr
    assert not (folder / "map.bmp").exists()


def test_a_row_that_mixes_nothing_is_one_line(draw) -> None:
    found = draw("r1")
    assert found.exit_code == 2
    assert "no record of a row 'r1' that mixes prompts" in found.stderr


def test_a_folder_without_records_is_one_line(effbench, tmp_path: Path) -> None:
    found = effbench("heat-map", tmp_path, "r0", "--output", tmp_path / "map.svg")
    assert found.exit_code == 2
    assert "no results there" in found.stderr


def test_a_mix_that_is_no_mix_is_one_line(draw, folder: Path) -> None:
    path = next(folder.rglob("*--0.json"))
    mix = {**MIX, "weights": {"data-1": "heavy"}}
    path.write_text(json.dumps({**json.loads(path.read_text()), "models": {"mix": mix}}))
    found = draw("r0")
    assert found.exit_code == 2
    assert f"{path.stem}: Expected `float`, got `str`" in found.stderr


def test_a_damaged_record_is_named_and_left_out(draw, folder: Path) -> None:
    damaged = min(folder.rglob("*--0.json"))
    damaged.write_text(damaged.read_text()[:100])
    found = draw("r0")
    assert found.exit_code == 0, found.output
    assert f"left out: {damaged}: cannot be read" in found.stderr
    assert (folder / "map.svg").read_text().count(">0.75<") == 1


def test_two_suites_that_mix_are_one_line(draw, folder: Path) -> None:
    write_results(folder, rows=["r0"], datasets=1, machine="another-machine")
    for path in folder.glob("another-machine/*/*--0.json"):
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "models": {"mix": MIX}}))
    found = draw("r0")
    assert found.exit_code == 2
    assert "holds several suites (name the folder of one)" in found.stderr
