"""What each mark of a row means for the choice."""

from __future__ import annotations

import json

import pytest

from altered import altered
from effbench.board.marks import BEARINGS, WORDS, Bearing
from made_choices import ROWS, Results
from made_records import write_results
from made_sessions import write_session


def noted(three_rows: Results) -> None:
    note = {"name": "data-0", "group": None, "note": "the first 1,000 docs"}
    three_rows.change("suite.json", datasets=[note])


def cut(three_rows: Results) -> None:
    note = {"name": "data-0", "group": None, "note": "the first 1,000 docs", "cut": True}
    three_rows.change("suite.json", datasets=[note])


def missed(three_rows: Results) -> None:
    scores = {"nDCG@10": {"middle": {"data-0": 0.9}}}
    three_rows.change("suite.json", expected={"scores": scores, "tolerance": 0.001})


OVERLAP = {"queries": 100, "same": 50, "judgments": 200, "seen": 60}
"""From half of the queries on a row is not ranked."""

MARKS = {
    "latency unstable": lambda own: own.measure(unsteady=[1]),
    "latency keeps answers": lambda own: own.measure(caching=[1]),
    "latency other answers": lambda own: own.measure(differing=[1]),
    "trained on test judgments": lambda own: own.change(
        "data-0--1.json", trained_on=["judgments"]
    ),
    "answers told in training": lambda own: own.change(
        "data-0--1.json", trained_on=["other judgments"], overlap=OVERLAP
    ),
    "datasets missing": lambda own: (own.folder / "data-0--1.json").unlink(),
    "corpus cut": cut,
    "dataset with a note": noted,
    "not as published": missed,
}
"""Of each kind of mark how the row ``middle`` comes to have it."""


@pytest.mark.parametrize("kind", MARKS)
def test_what_each_mark_means_for_the_choice(three_rows: Results, kind: str) -> None:
    MARKS[kind](three_rows)
    bearing = BEARINGS[kind]
    for options in (["--budget", "6ms"], ["--keep", "0.7"]):
        fallback = "small" if options[0] == "--budget" else "big"
        if kind == "corpus cut":
            facts = three_rows.facts(*options, code=3)
            assert facts["sentence"] == "No row can be shipped: corpus cut (3 of 3)"
        else:
            facts = three_rows.facts(*options, code=0)
            barred = bearing is not Bearing.BESIDE
            assert facts["taken"]["row"] == (fallback if barred else "middle")
        rival = facts["taken_were_it_sure"]
        assert (rival and rival["row"]) == ("middle" if kind == "latency unstable" else None)
        if bearing is Bearing.ASKED:
            allow = ("--allow", WORDS[kind])
            sure = 3 if kind == "latency unstable" else 0
            assert three_rows.facts(*options, *allow, code=sure)["taken"]["row"] == "middle"


def test_a_mark_that_no_row_can_have_is_one_line(effbench, three_rows: Results) -> None:
    found = effbench("leaderboard", three_rows.root, "--keep", "0.7", "--allow", "nonsense")
    assert found.exit_code == 2
    assert (
        "--allow nonsense: no such mark (known: unstable, trained, told, cut)" in found.stderr
    )


def test_why_a_mark_was_allowed_is_said(three_rows: Results) -> None:
    cut(three_rows)
    said = three_rows.ask("--budget", "6ms", "--allow", "cut")
    assert "  note: corpus cut: data-0: the first 1,000 docs\n" in said


def test_a_note_of_a_dataset_stands_below_the_choice_as_it_is(three_rows: Results) -> None:
    noted(three_rows)
    said = three_rows.ask("--budget", "6ms")
    (line,) = [line for line in said.splitlines() if line.startswith("  note: ")]
    assert line == "  note: data-0: the first 1,000 docs"


def test_published_scores_are_never_chosen(effbench, three_rows: Results, tmp_path) -> None:
    assert set(BEARINGS) == {*MARKS, "published"}, "each kind of mark has a test"
    for path in three_rows.folder.glob("*.json"):  # a made dataset under the name of a real one
        text = altered(path.read_text(), '"data-0"', '"scifact/test"')
        path.write_text(text)
    task = tmp_path / "published" / "model" / "abc" / "SciFact.json"
    task.parent.mkdir(parents=True)
    entry = {"hf_subset": "default", "ndcg_at_10": 0.9}
    task.write_text(json.dumps({"task_name": "SciFact", "scores": {"test": [entry]}}))
    facts = three_rows.facts(
        "--keep", "0.5", "--published", str(tmp_path / "published"), code=3
    )
    assert [one["row"] for one in facts["rows"]] == ROWS
    (left_out,) = (one for one in facts["left_out"] if "published" in one["row"])
    assert list(left_out["marks"]) == ["published"]


@pytest.mark.parametrize("wrong", ["caching", "differing"])
def test_what_was_not_measured_honestly_is_no_provisional_answer(
    three_rows: Results, wrong: str
) -> None:
    three_rows.measure(unsteady=[0, 1, 2], **{wrong: [1, 2]})
    unsteady = ("--allow", "unstable")
    found = three_rows.ask("--budget", "6ms", *unsteady)
    assert found.startswith("made on a-machine: No row is within 6 ms (end to end p50); the ne")
    assert "middle through exact, small through exact\n" in found
    assert "Provisionally ship big" in three_rows.ask("--keep", "0.5", *unsteady)


def test_other_answers_on_one_dataset_bar_a_row_that_lacks_the_next(effbench, tmp_path) -> None:
    folder = write_results(tmp_path, rows=ROWS, datasets=2, queries=99)
    for path in (folder / "latency").iterdir():
        path.unlink()
    ms = {f"data-0--{i}": {"end to end": [9.0 - i] * 12} for i in range(3)}
    keys = {cell: f"key-{cell}" for cell in ms}
    write_session(folder, "data-0", ms, keys=keys, differing=["data-0--1"])
    found = effbench("leaderboard", tmp_path, "--keep", "0.7").stdout
    assert "(1 of 2 rows keeping 70% or more)" in found
    assert "    big through exact: 100.0%" in found
    assert "    middle through exact" not in found
