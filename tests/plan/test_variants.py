"""Sweeps: a row for each combination, and rows that name swept rows follow them."""

from __future__ import annotations

import json

import pytest

from altered import altered

SWEPT = """\
suite: toys
datasets: [{use: toy}, {use: toy, name: second, docs: 40}]
measures: [nDCG@10]
models:
  table:
    use: table
    targets: {encoder: words width=16, texts: [{queries: {use: toy}}]}
    sweep: {seed: [0, 1]}
encoders:
  words: {use: words, sweep: {width: [16, 64], lower: [true, false]}}
  learnt: {use: table, model: table, passages: words width=16}
indexes:
  plain: {use: plain}
latency: false
"""
ONE = altered(SWEPT, ", lower: [true, false]", "")


def planned(effbench, path) -> dict:
    done = effbench("plan", path, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def rows_of(plan: dict) -> list[str]:
    return list(dict.fromkeys(cell["row"] for cell in plan["cells"]))


def test_a_row_for_each_combination_in_the_order_of_the_suite(effbench, suite) -> None:
    text = altered(SWEPT, ", passages: words width=16", ", passages: words width=16 lower=true")
    text = altered(text, "encoder: words width=16", "encoder: words width=16 lower=true")
    assert rows_of(planned(effbench, suite(text))) == [
        "words width=16 lower=true",
        "words width=16 lower=false",
        "words width=64 lower=true",
        "words width=64 lower=false",
        "learnt seed=0",
        "learnt seed=1",
    ]


def test_equal_keys_are_shared_and_a_family_is_run_by_its_name(
    effbench, suite, run, tmp_path
) -> None:
    lower = altered(ONE, "use: words, sweep", "use: words, lower: true, sweep")
    plan = planned(effbench, suite(lower))
    encodes = [step for step in plan["steps"] if step["kind"] == "encode"]
    assert len(encodes) == 4  # two widths on two corpora; `learnt` takes one of them
    assert sum(step["kind"] == "model" for step in plan["steps"]) == 2
    done = effbench("plan", suite(SWEPT))
    assert done.exit_code == 2
    assert "no row 'words width=16' in encoders" in done.stderr

    done = run(ONE, "--only", "learnt")
    assert done.exit_code == 0, done.stderr
    (record,) = tmp_path.glob("results/**/toy--learnt-seed=1--plain.json")
    sweep = {"family": "learnt", "settings": {"seed": "1"}}
    assert json.loads(record.read_text())["row"]["sweep"] == sweep
    board = json.loads(effbench("leaderboard", tmp_path / "results", "--format", "json").stdout)
    assert {line["row"] for line in board[0]["lines"]} == {"learnt seed=0", "learnt seed=1"}


def test_a_row_that_names_a_family_twice_pairs_equal_members_only(effbench, suite) -> None:
    again = (
        "  again: {use: table, start: table, targets: *t, sweep: {fail: [false]}}\nencoders:"
    )
    text = altered(ONE, "targets: {encoder", "targets: &t {encoder")
    text = altered(text, "encoders:", again)
    text = altered(text, "model: table,", "model: again,")
    assert rows_of(planned(effbench, suite(text)))[2:] == [
        "learnt fail=false seed=0",
        "learnt fail=false seed=1",
    ]


def test_families_with_options_of_one_name_are_told_apart(effbench, suite) -> None:
    text = altered(ONE, "encoder: words width=16", "encoder: words")
    text = altered(text, "passages: words width=16", "passages: words")
    text = altered(text, "sweep: {seed: [0, 1]}", "sweep: {about: {'': '', b: '{}'}}")
    text = altered(text, "{'': '', b: '{}'}", "{a: '{\"x\": 1}', b: '{\"x\": 2}'}")
    assert rows_of(planned(effbench, suite(text)))[2:] == [
        f"learnt about={about} width={width}" for about in "ab" for width in (16, 64)
    ]
    both = altered(text, "use: table, model", "use: table, sweep: {model: [table]}, model")
    done = effbench("plan", suite(both))
    assert "encoders.learnt.sweep.model: the row says it too" in done.stderr


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ("[1, 2]", ":10: encoders.words.sweep: a sweep is {option: [value, value], ...}"),
        ("{}", ":10: encoders.words.sweep: a sweep is {option: [value, value], ...}"),
        ("{width: 16}", "words.sweep.width: give a list ([1, 2]), or a label for each value"),
        ("{width: []}", "encoders.words.sweep.width: give one value or more ([1, 2])"),
        ("{width: [[1], 2]}", "label for each value ({small: ...} in place of a list)"),
        ("{width: [4, 4]}", "encoders.words.sweep.width: 4 stands twice (keep one)"),
        ("{width: [4, 0.5]}", "encoders.words.sweep.width: 0.5 is not int"),
        ("{widht: [4, 5]}", "sweep.widht: unknown option 'widht' (did you mean 'width'?)"),
        ("{width: {' a': 4}}", "encoders.words.sweep.width: a label begins or ends with a"),
        ("{use: [7]}", "encoders.words.sweep.use: the row says it too"),
    ],
)
def test_mistakes_of_a_sweep_have_their_place(effbench, suite, sweep: str, said: str) -> None:
    done = effbench("plan", suite(altered(ONE, "{width: [16, 64]}", sweep)))
    assert done.exit_code == 2
    assert said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
