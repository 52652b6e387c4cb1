"""What moved between two folders of results (``effbench diff``), on made-up ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from made_records import write_results
from made_sessions import write_session


@pytest.fixture
def old(tmp_path: Path) -> Path:
    write_results(tmp_path / "old", rows=["big", "small"], datasets=1, queries=60)
    return tmp_path / "old"


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    shutil.copytree(old, tmp_path / "new")
    return tmp_path / "new"


def record(root: Path, number: int) -> Path:
    (found,) = root.glob(f"*/made/data-0--{number}.json")
    return found


def edit(path: Path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    content["scores"] = {
        name: sum(values.values()) / len(values)
        for name, values in content["per_query"].items()
    }
    path.write_text(json.dumps(content))


def lowered(by: float, queries: int = 60):
    def change(content: dict) -> None:
        content["key"] = "another"
        values = content["per_query"]["nDCG@10"]
        for query in list(values)[:queries]:
            values[query] -= by

    return change


def test_the_same_results_have_not_moved(effbench, old: Path, new: Path) -> None:
    found = effbench("diff", old, new)
    assert found.exit_code == 0, found.output
    assert "0 of 8 figures moved beyond noise" in found.stdout


def test_a_score_that_fell_is_worse_and_one_that_rose_is_better(effbench, old, new) -> None:
    edit(record(new, 1), lowered(0.05))
    found = effbench("diff", old, new)
    assert found.exit_code == 1
    assert "worse  made data-0--1: nDCG@10 -0.0500 [-0.0500, -0.0500], p 0.0002" in found.stdout
    back = effbench("diff", new, old)
    assert back.exit_code == 0
    assert "better made data-0--1: nDCG@10 +0.0500" in back.stdout


def test_a_change_that_may_be_chance_has_not_moved(effbench, old: Path, new: Path) -> None:
    edit(record(new, 1), lowered(0.05, queries=1))
    found = effbench("diff", old, new)
    assert "0 of 4 figures moved" in found.stdout, "a session of another key is not of it"


def test_the_same_key_must_have_the_same_scores(effbench, old: Path, new: Path) -> None:
    def change(content: dict) -> None:
        content["per_query"]["nDCG@10"]["q0"] += 0.01

    edit(record(new, 1), change)
    assert "of the same key, so it should be the same" in effbench("diff", old, new).stdout


def test_a_cell_that_is_lost_or_fails_is_worse(effbench, old: Path, new: Path) -> None:
    record(new, 1).unlink()
    found = effbench("diff", old, new)
    assert found.exit_code == 1
    assert "worse  made data-0--1: cell was done, now no record" in found.stdout


@pytest.mark.parametrize(
    ("ms", "said", "code"),
    [
        (5.4, "0 of 6 figures moved", 0),
        (
            7.0,
            "worse  made small exact: speed-up encode 2 [2, 2]x -> 1.43 [1.43, 1.43]x over big",
            1,
        ),
        (4.0, "better made small exact: speed-up encode", 0),
    ],
)
def test_a_speed_up_moves_by_more_than_ten_per_cent(
    effbench, old: Path, new: Path, ms: float, said: str, code: int
) -> None:
    cells = ["data-0--0", "data-0--1"]
    write_session(
        record(new, 0).parent, "data-0",
        {
            cells[0]: {"encode": [10.0] * 12, "end to end": [10.5] * 12},
            cells[1]: {"encode": [ms] * 12, "end to end": [ms + 0.5] * 12},
        },
        keys={cell: f"key-{cell}" for cell in cells}, processes=3,
        started="2026-11-26T00:00:00+00:00",
    )  # fmt: skip
    found = effbench("diff", old, new)
    assert said in found.stdout
    assert found.exit_code == code


def test_what_cannot_be_read_is_exit_code_1(effbench, old: Path, new: Path) -> None:
    for root in (old, new):
        record(root, 1).write_text("{")
    found = effbench("diff", old, new)
    assert found.exit_code == 1
    assert "0 of 3 figures moved" in found.stdout
    assert found.stderr.count("cannot be read") == 2


def test_another_machine_is_compared_by_scores_alone(effbench, old: Path, new: Path) -> None:
    (folder,) = new.iterdir()
    folder.rename(new / "another-machine")
    edit(record(new, 1), lowered(0.05))

    def change(content: dict) -> None:
        content["per_query"]["nDCG@10"]["q0"] += 0.01

    edit(record(new, 0), change)  # of the same key, but trained on another machine
    found = effbench("diff", old, new, "--json")
    facts = json.loads(found.stdout)
    assert [(one["where"], one["what"]) for one in facts["moved"]] == [("data-0--1", "nDCG@10")]


def test_a_retriever_that_slows_down_is_worse_end_to_end(effbench, tmp_path: Path) -> None:
    for name, ms in (("old", 2.0), ("new", 4.0)):
        write_results(tmp_path / name, rows=["big"], datasets=1, retrievers={"scan": ms})
    found = effbench("diff", tmp_path / "old", tmp_path / "new")
    assert "worse  made scan: speed-up end to end 5.25 [5.25, 5.25]x -> 2.62" in found.stdout
    assert "scan: speed-up encode" not in found.stdout


def test_other_data_is_said(effbench, old: Path, new: Path) -> None:
    for root in (old, new):
        for number in (0, 1):
            edit(
                record(root, number),
                lambda content, root=root: content.update(data_key=root.name),
            )
    found = effbench("diff", old, new)
    assert "the data differ from those of the old results" in found.stderr
    assert "data-0" in found.stderr
    assert "other data" not in effbench("diff", old, old).stderr
