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
        ("{use: [words]}", ":10: encoders.words.sweep.use: is no option of the row (write"),
        (
            "{passages: [7]}",
            ":10: encoders.words.sweep.passages: passages are ROW or {row: ROW",
        ),
    ],
)
def test_mistakes_of_a_sweep_have_their_place(effbench, suite, sweep: str, said: str) -> None:
    done = effbench("plan", suite(altered(ONE, "{width: [16, 64]}", sweep)))
    assert done.exit_code == 2
    assert said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


HOSTILE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
models:
  a:
    use: table
    targets: &t {encoder: w1, texts: [{queries: {use: toy}}]}
    sweep: {seed: [0, 1]}
  MODEL
encoders:
  w1: {use: words, width: 16}
  w: {use: words, sweep: {width: [16, 64]}}
  ENCODER
indexes:
  plain: {use: plain}
latency: false
"""


def hostile(model: str, encoder: str) -> str:
    text = altered(HOSTILE, "MODEL", model)
    return altered(text, "ENCODER", encoder)


@pytest.mark.parametrize(
    ("model", "encoder", "rows"),
    [
        ("", "l: {use: table, model: a seed=1, passages: w1}", ["l"]),
        (
            "b: {use: table, start: a, targets: *t}",
            "l: {use: table, model: b seed=1, passages: w1}",
            ["l"],
        ),
        (
            "b: {use: table, targets: *t, sweep: {start: {none: null, last: b start=none}}}",
            "l: {use: table, model: b, passages: w1}",
            ["l start=none", "l start=last"],
        ),
        (
            "b: {use: table, targets: {encoder: w, texts: [{queries: target}]}}",
            "l: {use: table, model: b, passages: {row: w width=16, unchecked: true}}",
            ["l width=16", "l width=64"],
        ),
        (
            "",
            "l: {use: table, model: a,"
            " sweep: {passages: {same: w1, any: {row: w, unchecked: true}}}}",
            [
                f"l passages={label} seed={seed}{width}"
                for label, widths in (("same", [""]), ("any", [" width=16", " width=64"]))
                for seed in (0, 1)
                for width in widths
            ],
        ),
        (
            "",
            "l: {use: table-in, passages: w1,"
            " sweep: {model: {one: {trained: a seed=1}, all: {trained: a}}}}",
            ["l model=one", "l model=all seed=0", "l model=all seed=1"],
        ),
        (
            "b: {use: nearest, domains:"
            " {models: a, of: {use: toy, name: x, docs: 9}, features: w}}",
            "l: {use: table, model: b, passages: w1}",
            [f"l width={width} seed={seed}" for width in (16, 64) for seed in (0, 1)],
        ),
    ],
)
def test_references_name_families_and_members(
    effbench, suite, model: str, encoder: str, rows: list[str]
) -> None:
    plan = planned(effbench, suite(hostile(model, encoder)))
    assert [row for row in rows_of(plan) if row.startswith("l")] == rows


@pytest.mark.parametrize(
    ("model", "encoder", "said"),
    [
        (
            "b: {use: table, start: b, targets: *t, sweep: {seed: [0]}}",
            "",
            "models.b.start: depends on itself: b seed=0 -> b seed=0 (name another row)",
        ),
        (
            "b: {use: table, start: c, targets: *t}\n  c: {use: table, start: b, targets: *t,"
            " sweep: {fail: [true]}}",
            "",
            "depends on itself: b -> c fail=true -> b (name another row)",
        ),
        (
            "b: {use: table, targets: *t, sweep: {seed: [0, -1]}}",
            "",
            ":9: models.b.sweep.seed: -1 is not a whole number from 0 to",
        ),
        (
            "",
            "l: {use: table, model: a seed=7}",
            "no row 'a seed=7' in models (did you mean 'a seed=1'?)",
        ),
        (
            "b: {use: table, start: a, targets: *t}",
            "l: {use: table, model: b seed=7}",
            "no row 'b seed=7' in models (did you mean 'b seed=1'?)",
        ),
        (
            "",
            "l: {use: table-in, model: a seed=0}",
            "'a seed=0' is a row of models (write {trained: ROW})",
        ),
        (
            "b: {use: table, targets: {encoder: w, texts: [{queries: target}]}}",
            "l: {use: table, model: b, passages: w width=16}",
            "the model was trained for passages of 'w width=64', not of 'w width=16'",
        ),
        (
            "",
            "x: {use: words, sweep: {width: {A: 1, a: 2}}}",
            "encoders.x: 'x width=A' and 'x width=a' are one file on macOS and Windows",
        ),
        (
            "",
            "x: {use: words, sweep: {width: {a b: 1, a-b: 2}}}",
            "share the file name 'toy--x-width=a-b--plain'",
        ),
        (
            "",
            "x: {use: words, sweep: {width: [1]}}\nretrievers:\n  x: {use: scan}",
            "retrievers.x: an encoder has that name too (rename one)",
        ),
    ],
)
def test_mistakes_around_families_are_refused(
    effbench, suite, model: str, encoder: str, said: str
) -> None:
    done = effbench("plan", suite(hostile(model, encoder)))
    assert done.exit_code == 2
    assert said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_a_suite_has_a_limited_number_of_rows(effbench, suite, monkeypatch) -> None:
    for module in ("reader", "scope"):
        monkeypatch.setattr(f"effbench.plan.{module}.MOST_SETTINGS", 10)
    rows = [f"x{i}: {{use: words, sweep: {{width: [1, 2, 3, 4, 5]}}}}" for i in range(3)]
    crossed = [
        "b: {use: table, start: a, targets: *t, sweep: {about: {x: '1', y: '2', z: '3'}}}"
    ]
    crossed += ["c: {use: table, start: b, targets: *t, sweep: {fail: [true, false]}}"]
    alone = "d: {use: table, start: c, targets: *t}"
    too_many = "more than 10,000 rows by sweeps (take fewer values)"
    for model, encoder, place in (
        ("", "\n  ".join(rows), "encoders"),
        ("\n  ".join(crossed), "", "models"),
        ("\n  ".join([alone, *crossed]), "", "models.d"),
    ):
        done = effbench("plan", suite(hostile(model, encoder)))
        assert f": {place}: {too_many}" in done.stderr, place
