"""Records: what is damaged or another cell's is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from effbench.api.errors import EffbenchError
from effbench.run.records import read
from folders import ROOT
from made_records import write_results
from made_results import CELL, SCANNED, lasting, table

PUBLISHED = sorted((ROOT / "results" / "published").glob("*/*/*--*.json"))


def change_digit(path: Path, key: str, number: int = 0) -> None:
    """Change a digit of a float in the line of a top-level key."""
    lines = path.read_text().split("\n")
    line = next(i for i, text in enumerate(lines) if text.startswith(f'"{key}"'))
    start, _, end = lines[line].partition("0.")
    lines[line] = f"{start}0.{(int(end[0]) + 1) % 10}{end[1:]}"
    path.write_text("\n".join(lines))


@pytest.mark.parametrize("key", ["scores", "per_query", "costs"])
def test_a_digit_of_a_record_is_noticed_by_all_who_read_it(
    effbench, run, folder: Path, tmp_path: Path, key: str
) -> None:
    record = folder / f"{CELL}.json"
    true = lasting(record)
    old = tmp_path / "old"
    shutil.copytree(tmp_path / "results", old)
    change_digit(record, key)
    said = f"{record}: its checksum does not hold (run the suite again)"
    found = table(effbench, folder)
    assert found.exit_code == 1
    assert said in found.stderr
    assert [line["row"] for line in json.loads(found.stdout)[0]["lines"]] == ["scan"]
    moved = effbench("diff", old, tmp_path / "results")
    assert moved.exit_code == 1
    assert said in moved.output
    assert said in effbench("show", record).stderr
    again = run(SCANNED)
    assert "1 cell done, 1 finished already, 0 failed; 0 steps made" in again.stderr
    assert lasting(record) == true
    assert table(effbench, folder).exit_code == 0


def test_older_records_count_if_their_scores_are_those_of_their_queries(
    effbench, tmp_path: Path
) -> None:
    folder = write_results(tmp_path / "results", rows=["big", "small"], datasets=1)
    path = folder / "data-0--0.json"
    assert table(effbench, folder).exit_code == 0, "they had no checksum"
    record = json.loads(path.read_text())
    record["scores"]["nDCG@10"] += 0.1
    path.write_text(json.dumps(record))
    found = table(effbench, folder)
    assert found.exit_code == 1
    assert f"{path}: its nDCG@10 is {record['scores']['nDCG@10']}, and the mean" in found.stderr


def test_values_without_a_score_are_refused(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "results", rows=["big"], datasets=1)
    path = folder / "data-0--0.json"
    more = {"per_query": {"R@1": {"q": 1.0}}}
    path.write_text(json.dumps(json.loads(path.read_text()) | more))
    with pytest.raises(EffbenchError, match="are not of the same measures"):
        read(path)


def test_what_we_publish_carries_checksums() -> None:
    assert PUBLISHED
    for path in PUBLISHED:
        assert json.loads(path.read_text())["schema"] == 2
        assert read(path)


def test_records_under_each_others_names_are_refused(effbench, run, folder: Path) -> None:
    one, other = folder / f"{CELL}.json", folder / "toy--scan.json"
    true = lasting(one)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    found = table(effbench, folder)
    assert found.exit_code == 1
    assert f"{one}: this is the record of toy--scan (rename the file" in found.stderr
    run(SCANNED)
    assert lasting(one) == true
