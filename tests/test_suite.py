"""Mistakes in a suite are found before any work, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

GOOD = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  words: {use: words}
indexes:
  plain: {use: plain}
latency: false
"""

FIVE = """\
suite: toys
datasets: [{use: toy, docs: 0}]
measures: [nDCG@10, Sucess@20]
encoders:
  words: {use: wrods}
  wide:
    use: words
    widht: 256
indexes:
  plain: {use: plain, search: {depht: [5, 20]}}
"""


def test_five_mistakes_are_reported_at_once(effbench, suite, tmp_path: Path) -> None:
    path = suite(FIVE)
    found = effbench("run", path, "--results", tmp_path / "results")
    assert found.exit_code == 2
    lines = found.stderr.removeprefix("Error: ").strip().splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        f"{path}:{number}" for number in (2, 3, 5, 8, 10)
    ]
    wanted = [
        ("datasets.0:", "too few (give 1 or more)"),
        ("measures.1:", "did you mean Success@20?"),
        ("encoders.words.use:", "did you mean 'words'?"),
        ("encoders.wide.widht:", "did you mean 'width'?"),
        ("indexes.plain.search.depht:", "did you mean 'depth'?"),
    ]
    for line, (place, hint) in zip(lines, wanted, strict=True):
        assert place in line
        assert hint in line
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("suite: toys", "suite: a/b", ":1: suite: give the suite a name"),
        ("suite: toys", "suit: toys", ":1: suit: unknown key (did you mean 'suite'?)"),
        ("datasets: [{use: toy}]", "datasets: []", ":2: datasets: give a list"),
        ("datasets: [{use: toy}]", "datasets: [3]", ":2: datasets.0: a dataset is"),
        ("[{use: toy}]", "[{use: toy}, {use: toy, docs: 9}]", "dataset 'toy' stands twice"),
        ("[{use: toy}]", "[{group: g}]", ":2: datasets.0: a group is"),
        ("[{use: toy}]", "[{use: nope}]", "nothing installed offers 'nope'"),
        ("[{use: toy}]", "[beir/scifct/test]", "beir/scifact/test"),
        ("[nDCG@10]", "[nDCG@10]\nk: 5", ":4: k: 5 hits cannot decide a measure at 10"),
        ("[nDCG@10]", "[nDCG@10]\nk: many", ":4: k: 'many' is not a whole number"),
        ("words: {use: words}", "words: words", ":5: encoders.words: a row is"),
        ("words: {use: words}", "'a b': {use: words}", "encoders.a b: a row's name"),
        (
            "{use: words}",
            "{use: words, width: wide}",
            "encoders.words.width: 'wide' is not int",
        ),
        ("{use: words}", "{use: words, width: true}", "encoders.words.width: True is not int"),
        ("{use: words}", "{use: bad}", "option 'wrong' is missing ('raises' | 'nan'"),
        ("{use: words}", "{use: bad, wrong: nn}", "encoders.words.wrong: 'nn' is not 'raises'"),
        (
            "{use: words}",
            "{use: words, passages: x}",
            "words.passages: no row 'x' in encoders",
        ),
        (
            "{use: words}",
            "{use: words, passages: words}",
            "passages: depends on itself: words -> words",
        ),
        ("indexes:\n  plain: {use: plain}\n", "", "encoders need indexes"),
        (
            "{use: plain}",
            "{use: plain, search: {depth: [a]}}",
            "search.depth: 'a' is not int | none",
        ),
        ("latency: false", "latency: {thread: 1}", "latency.thread: unknown option"),
        ("latency: false", "latency: {threads: 0}", "latency.threads: 0 is not a whole number"),
        ("latency: false", "latency: {together: 1}", "1 is not a whole number above 1"),
        ("latency: false", "latency: {arrivals: [2]}", "[2] is not a list of shares"),
        ("latency: false", "latency: {batches: 8}", "8 is not a list of batch sizes"),
        ("latency: false", "latency: {energy: 1}", "1 is not true or false"),
        ("latency: false", "latency: {baseline: word}", "did you mean 'words'?"),
        ("latency: false", "latency: {baseline: [words]}", "is not the name of an encoder row"),
        (
            "latency: false",
            "expected: {RR: {words: {toy: 1.0}}}",
            "expected.RR: no measure of that",
        ),
        ("latency: false", "expected: {nDCG@10: {word: {toy: 1.0}}}", "did you mean 'words'?"),
        ("latency: false", "expected: {nDCG@10: {words: {to: 1.0}}}", "did you mean 'toy'?"),
        ("latency: false", "expected: {nDCG@10: {words: {toy: x}}}", "'x' is not a score"),
        (
            "latency: false",
            "retrievers: {words: {use: scan}}",
            "an encoder row has that name too",
        ),
        ("latency: false", "k: 10\nk: 20", ":9: k: stands twice"),
        ("latency: false", "latency: {", "not YAML"),
    ],
)
def test_mistake(effbench, suite, old: str, new: str, message: str) -> None:
    assert old in GOOD
    found = effbench("plan", suite(GOOD.replace(old, new, 1)))
    assert found.exit_code == 2
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_the_good_suite_has_no_mistake(effbench, suite) -> None:
    assert effbench("plan", suite(GOOD)).exit_code == 0


def test_missing_suite_names_those_we_ship(effbench) -> None:
    found = effbench("plan", "quickstrat")
    assert found.exit_code == 2
    assert "did you mean 'quickstart'?" in found.stderr


def test_shipped_suites_are_found_by_name_and_path(effbench) -> None:
    by_name = effbench("plan", "small", "--json")
    path = Path(__file__).parents[1] / "suites" / "small.yaml"
    assert by_name.exit_code == 0, by_name.stderr
    assert by_name.stdout == effbench("plan", path, "--json").stdout
