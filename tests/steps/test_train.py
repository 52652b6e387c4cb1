"""Trained models: a graph of steps, made once, used by rows, remade when anything changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altered import altered

SUITE = """\
suite: toys
datasets: [{use: toy}, {use: toy, name: other, docs: 40}]
measures: [nDCG@10]
models:
  table:
    use: table
    seed: 3
    targets:
      texts: [{file: texts.txt}, {queries: {use: toy}}]
      encoder: words
encoders:
  words: {use: words}
  student: {use: table, model: table, passages: words}
indexes:
  plain: {use: plain}
latency: false
"""
TARGETS = "texts: [{file: texts.txt}, {queries: {use: toy}}]"


@pytest.fixture
def run(effbench, suite, tmp_path: Path, monkeypatch):
    """Run a suite's text; return what came out and what the toys noted."""
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    (tmp_path / "texts.txt").write_text("apple boat\n\n  cloud   door \napple boat\n")

    def start(text: str):
        (tmp_path / "log").write_text("")
        found = effbench("run", suite(text), "--results", tmp_path / "results")
        notes = (tmp_path / "log").read_text().splitlines()
        return found, [note for note in notes if note.startswith("trained")]

    return start


def records(folder: Path) -> dict[str, dict]:
    paths = folder.glob("results/*/toys/*--*.json")
    return {path.stem: json.loads(path.read_text()) for path in paths}


def test_a_student_is_trained_once_and_stands_beside_its_teacher(run, tmp_path: Path) -> None:
    found, trained = run(SUITE)
    assert found.exit_code == 0, found.output
    assert trained == ["trained on 32 texts of words, seed 3"], "2 of the file, 30 queries"
    student = records(tmp_path)["toy--student--plain"]
    assert student["scores"]["nDCG@10"] > 0.5
    again, trained = run(altered(SUITE, "suite: toys", "suite: others"))
    assert again.exit_code == 0
    assert trained == [], "another suite finds the model"


def test_what_a_trainer_remarks_is_in_the_record(run, tmp_path: Path) -> None:
    about = {"steps": 3, "remarks": ["far from its targets"]}
    found, _ = run(altered(SUITE, "seed: 3", f"about: '{json.dumps(about)}'"))
    assert found.exit_code == 0, found.output
    assert records(tmp_path)["toy--student--plain"]["models"]["table"].items() >= about.items()


@pytest.mark.parametrize(
    ("old", "new", "times"),
    [
        ("seed: 3", "seed: 4", 1),
        ("encoder: words", "encoder: wide", 1),
        ("{queries: {use: toy}}", "{queries: {use: toy}, draw: 9}", 1),
        ("{queries: {use: toy}}", "{queries: target}", 1),  # for toy it is the same
        ("{queries: {use: toy}}", "{titles: target}", 2),
        ("student:", "pupil:", 0),
        ("  table:\n    use", "  desk:\n    use", 0),
    ],
)
def test_what_trains_anew(run, old: str, new: str, times: int) -> None:
    wide = altered(SUITE, "encoders:", "encoders:\n  wide: {use: words, lower: true}")
    run(wide)
    changed = altered(wide, old, new)
    if "desk" in new:
        changed = altered(changed, "model: table", "model: desk")
    found, trained = run(changed)
    assert found.exit_code == 0, found.output
    assert len(trained) == times


def test_a_changed_file_of_texts_trains_anew(run, tmp_path: Path) -> None:
    run(SUITE)
    (tmp_path / "texts.txt").write_text("eagle fire\n")
    _, trained = run(SUITE)
    assert len(trained) == 1


def test_models_can_start_from_models(run) -> None:
    row = f"next: {{use: table, start: table, targets: {{{TARGETS}, encoder: words}}}}"
    chain = altered(SUITE, "encoders:", f"  {row}\nencoders:")
    found, trained = run(altered(chain, "model: table", "model: next"))
    assert found.exit_code == 0, found.output
    assert [line[-1] for line in trained] == ["3", "0"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "model: table",
            "model: tabel",
            "student.model: no row 'tabel' in models (did you mean",
        ),
        (
            "encoder: words",
            "encoder: word",
            "table.targets: no row 'word' in encoders (did you",
        ),
        ("encoder: words", "encoder: student", "depends on itself: table -> student -> table"),
        ("seed: 3", "start: table", "models.table.start: depends on itself: table -> table"),
        ("{file: texts.txt}", "{file: no.txt}", "models.table.targets: texts: no file"),
        ("{file: texts.txt}", "{files: texts.txt}", "is no source of texts"),
        ("{file: texts.txt}", "{file: texts.txt, drew: 1}", "unknown key 'drew' of a source"),
        ("{file: texts.txt}", "{file: texts.txt, draw: 0}", "draw: 0 is not a number of texts"),
        ("{queries: {use: toy}}", "{queries: beir/nope}", "there is no 'beir/nope'"),
        (
            "{file: texts.txt}",
            "{file: table.csv, column: text}",
            "no column 'text' (its header has 'query', 'number')",
        ),
        ("seed: 3", "seed: x", "models.table.seed: 'x' is not a whole number"),
    ],
)
def test_mistakes_are_found_when_planning(
    run, tmp_path: Path, old: str, new: str, message: str
) -> None:
    (tmp_path / "table.csv").write_text("query,number\na b,1\n")
    found, trained = run(altered(SUITE, old, new))
    assert found.exit_code == 2
    assert message in found.stderr
    assert trained == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed: 3", "fail: true", "the loss is not a number (lower learning_rate)"),
        ("seed: 3", "about: '[1]'", "about.json is no JSON object"),
        ("seed: 3", "about: '{\"a\": NaN}'", "NaN is no number in JSON"),
        ("seed: 3", 'about: \'{"remarks": "far"}\'', "remarks is no list of sentences"),
        ("seed: 3", "about: '{\"remarks\": [1]}'", "remarks is no list of sentences"),
        ("{file: texts.txt}", "{file: empty.txt}", "empty.txt gives no text"),
    ],
)
def test_a_failed_training_leaves_no_model(run, tmp_path: Path, old, new, message) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    found, _ = run(altered(SUITE, old, new))
    assert found.exit_code == 1
    assert message in records(tmp_path)["toy--student--plain"]["error"]
    assert records(tmp_path)["toy--words--plain"]["status"] == "done"
    assert not list(tmp_path.glob("cache/model/*/manifest.json"))
