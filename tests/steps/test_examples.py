"""Training on judgments: mined negatives, examples of several datasets, who saw what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altered import altered

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
models:
  mined:
    use: mine
    hits: {dataset: {use: toy, name: train}, row: words, index: plain, depth: 20}
    negatives: 4
  tuned:
    use: centroids
    data:
      examples: [{judgments: {use: toy, name: train}, negatives: mined}]
      passages: words
encoders:
  words: {use: words}
  wide: {use: words, width: 32}
  tuned: {use: table, model: tuned, passages: words}
retrievers:
  scan: {use: scan}
indexes:
  plain: {use: plain}
latency: false
"""
TRAINED = "trained on 30 queries, 56 docs, 120 bad"
JUDGED = "{judgments: {use: toy, name: train}, negatives: mined}"


@pytest.fixture
def run(effbench, suite, tmp_path: Path, monkeypatch):
    """Run a suite's text; return what came out and what the toys noted."""
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))

    def start(text: str, command: str = "run"):
        (tmp_path / "log").write_text("")
        results = ("--results", tmp_path / "results") if command == "run" else ()
        found = effbench(command, suite(text), *results)
        return found, (tmp_path / "log").read_text().splitlines()

    return start


def record(folder: Path, name: str) -> dict:
    (path,) = folder.glob(f"results/*/toys/{name}.json")
    return json.loads(path.read_text())


def test_a_student_is_trained_on_judgments_and_mined_negatives(run, tmp_path: Path) -> None:
    found, notes = run(SUITE)
    assert found.exit_code == 0, found.output
    assert TRAINED in notes
    assert record(tmp_path, "toy--tuned--plain")["scores"]["nDCG@10"] > 0.5
    encoded = [note for note in notes if note.startswith("encoded")]
    assert len(encoded) == 2, "words and wide, each once: training takes the corpus's vectors"
    (pairs,) = tmp_path.glob("cache/model/*/model/docpairs.tsv")
    lines = [line.split("\t") for line in pairs.read_text().splitlines()]
    assert lines
    assert all(good == f"d{query[1:]}" != bad for query, good, bad in lines)
    assert record(tmp_path, "toy--tuned--plain")["trained_on"] == ["other judgments"]
    assert "trained on" in found.stdout


def test_a_suite_that_only_evaluates_it_trains_nothing(run) -> None:
    run(SUITE)
    found, notes = run(altered(SUITE, "suite: toys", "suite: again"))
    assert found.exit_code == 0, found.output
    assert not [note for note in notes if note.startswith("trained")]


@pytest.mark.parametrize(
    ("old", "new", "trained"),
    [
        ("depth: 20", "depth: 21", True),
        ("row: words", "row: wide", True),
        ("words: {use: words}", "words: {use: words, width: 48}", True),
        ("negatives: 4", "negatives: 4\n    seed: 1", True),
        ("scan: {use: scan}", "other: {use: scan}", False),
    ],
)
def test_what_trains_anew(run, old: str, new: str, trained: bool) -> None:
    run(SUITE)
    found, notes = run(altered(SUITE, old, new))
    assert found.exit_code == 0, found.output
    assert any(note.startswith("trained") for note in notes) == trained


def test_negatives_can_come_from_a_retriever(run) -> None:
    found, notes = run(altered(SUITE, "row: words, index: plain", "row: scan"))
    assert found.exit_code == 0, found.output
    assert any(note.startswith("trained on 30 queries") for note in notes)


def test_docpairs_of_a_dataset_are_examples(run) -> None:
    text = altered(SUITE, JUDGED, "{docpairs: {use: paired}}")
    found, notes = run(text)
    assert found.exit_code == 0, found.output
    assert "trained on 30 queries, 60 docs, 30 bad" in notes, "the doc that is gone is left out"
    without, _ = run(altered(text, "use: paired", "use: toy, docs: 40"))
    assert without.exit_code == 1
    assert "examples: toy has no docpairs (say judgments)" in without.stderr


def test_examples_of_several_corpora_keep_their_docs_apart(run) -> None:
    both = f"{JUDGED}, {{judgments: {{use: toy, docs: 10}}}}"
    found, notes = run(altered(SUITE, JUDGED, both))
    assert found.exit_code == 0, found.output
    assert "trained on 35 queries, 61 docs, 120 bad" in notes
    examples = [
        note.removeprefix("example ").split(" | ") for note in notes if "example" in note
    ]
    assert examples
    assert all(query == doc for query, doc in examples)


def test_each_dataset_can_have_its_own_model(run, tmp_path: Path) -> None:
    text = altered(SUITE, JUDGED, "{judgments: target}")
    text = altered(text, "[{use: toy}]", "[{use: toy}, {use: toy, name: other, docs: 40}]")
    found, notes = run(text)
    assert found.exit_code == 0, found.output
    assert [note for note in notes if note.startswith("trained")] == [
        "trained on 30 queries, 30 docs, 0 bad",
        "trained on 20 queries, 20 docs, 0 bad",
    ]
    assert record(tmp_path, "other--tuned--plain")["trained_on"] == ["judgments"]
    assert record(tmp_path, "other--words--plain")["trained_on"] == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "negatives: mined}",
            "negatives: mind}",
            "no row 'mind' in models (did you mean",
        ),
        ("depth: 20", "depth: 0", "depth: 0 is not a number of hits"),
        (", depth: 20", "", "is not {dataset: DATASET, row: ROW, index: ROW, depth: N}"),
        ("row: words, index: plain", "row: words", "no row 'words' in retrievers"),
        (
            "judgments:",
            "judgements:",
            "is not {judgments: DATASET, negatives: ROW, first: N}",
        ),
        ("row: words", "row: tuned", "depends on itself:"),
        (
            "model: tuned, passages: words",
            "model: tuned, passages: wide",
            "tuned.passages: the model was trained for passages of 'words', not of 'wide'",
        ),
        (
            "      passages: words\nencoders",
            "encoders",
            "tuned.passages: the model 'tuned' was trained without the vectors of a row, so it "
            "is not known to find passages of 'words' (say passages: words beside examples",
        ),
        ("model: tuned, passages: words", "model: tuned", "'table' encodes queries only (give"),
        (
            "model: tuned, passages: words",
            "model: tuned, passages: 3",
            "passages are ROW or {row",
        ),
    ],
)
def test_mistakes_are_found_when_planning(run, old: str, new: str, message: str) -> None:
    found, notes = run(altered(SUITE, old, new))
    assert found.exit_code == 2
    assert message in found.stderr
    assert not notes


def test_a_step_names_a_dataset_once_that_gives_several_kinds_of_examples(
    effbench, suite
) -> None:
    twice = f"{JUDGED}, {{judgments: {{use: toy, name: train}}}}"
    found = effbench("plan", suite(altered(SUITE, JUDGED, twice)), "--steps")
    assert found.exit_code == 0, found.output
    assert "train tuned with centroids on train\n" in found.stdout
    assert "gather examples of train\n" in found.stdout


def test_other_passages_can_be_searched_if_the_suite_says_so(run) -> None:
    given = "{row: wide, unchecked: true}"
    found, _ = run(
        altered(SUITE, "tuned, passages: words", f"tuned, passages: {given}"), "plan"
    )
    assert found.exit_code == 0, found.output


def test_a_split_without_relevant_docs_is_one_line(run, tmp_path: Path) -> None:
    text = altered(SUITE, JUDGED, "{judgments: {use: toy, broken: unjudged}}")
    found, _ = run(text)
    assert found.exit_code == 1
    message = "dataset 'toy' (plugin toy): no query has a judgment (is the split right?)"
    assert message in record(tmp_path, "toy--tuned--plain")["error"]
    assert record(tmp_path, "toy--words--plain")["status"] == "done"


def test_a_model_that_mined_nothing_has_no_negatives(run) -> None:
    table = "{use: table, targets: {texts: [{queries: {use: toy}}], encoder: words}}"
    text = altered(SUITE, "models:\n", f"models:\n  table: {table}\n")
    found, _ = run(altered(text, "negatives: mined", "negatives: table"))
    assert "the model 'table' has no docpairs.tsv (name a row whose trainer" in found.stderr


def test_a_trained_model_stands_wherever_a_model_does(run, tmp_path: Path) -> None:
    row = "{use: table-in, model: {trained: tuned}, passages: words}"
    found, _ = run(altered(SUITE, "{use: table, model: tuned, passages: words}", row))
    assert found.exit_code == 0, found.output
    assert record(tmp_path, "toy--tuned--plain")["scores"]["nDCG@10"] > 0.5
    wrong, _ = run(
        altered(SUITE, "{use: table, model: tuned", "{use: table-in, model: {row: tuned}")
    )
    assert "is not {trained: ROW}" in wrong.stderr
    bare = altered(SUITE, "{use: table, model: tuned", "{use: table-in, model: tuned")
    assert "model: 'tuned' is a row of models (write {trained: ROW})" in run(bare)[0].stderr
