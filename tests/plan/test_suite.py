"""Mistakes in a suite are found before any work, all at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altered import altered, first_altered
from folders import ROOT
from made_suites import GOOD

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
        (
            "words: {use: words}",
            "'a b': {use: words}",
            "encoders.a b: the row's name has white space or one of",
        ),
        (
            "{use: words}",
            "{use: words, width: wide}",
            "encoders.words.width: 'wide' is not int",
        ),
        ("{use: words}", "{use: words, width: true}", "encoders.words.width: True is not int"),
        ("{use: words}", "{use: words, width: '3'}", "'3' is not int (take the quotes away)"),
        ("{use: words}", "{use: words, lower: 1}", "1 is not bool (write true or false)"),
        (
            "{use: words}",
            "{use: bad}",
            "option 'wrong' is missing (give wrong: 'raises'",
        ),
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
        (
            "latency: false",
            "latency: {threads: 0}",
            "latency.threads: 0 is out of range (take 1 to 4,096)",
        ),
        ("latency: false", "latency: {together: 1}", "1 is out of range (take 2 to 1,000)"),
        ("latency: false", "latency: {arrivals: [2]}", "take 0.001 to 1 each,"),
        ("latency: false", "latency: {batches: 8}", "8 is not list[int] (1 to 65,536 each,"),
        ("latency: false", "latency: {energy: 1}", "1 is not bool (write true or false)"),
        ("latency: false", "latency: {baseline: word}", "did you mean 'words'?"),
        ("latency: false", "latency: {baseline: [words]}", "['words'] is not str | none"),
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
            "an encoder has that name too",
        ),
        ("latency: false", "k: 10\nk: 20", ":8: k: stands twice, in line 9 too (keep one)"),
        ("latency: false", "latency: {", "not YAML"),
        ("words: {use: words}", "no: {use: words}", ":5: encoders.no: YAML reads no as true"),
        ("words: {use: words}", "1: {use: words}", "encoders.1: YAML reads 1 as a number, not"),
        (
            "{use: words}",
            "{use: words, lower: yes}",
            "lower: YAML reads yes as true (wri",
        ),
        (
            "{use: words}",
            "{use: words, width: 010}",
            "YAML does not read 010 as a decimal",
        ),
        ("{use: words}", "{use: words, width: 1:30}", "does not read 1:30 as a decimal number"),
        (
            "{use: words}",
            "{use: words, pause_ms: .inf}",
            "does not read .inf as a finite number",
        ),
        ("{use: words}", "{use: words, pause_ms: 1.0e+999}", "1.0e+999 as a finite number"),
        ("{use: words}", f"{{use: words, pause_ms: 1{'0' * 400}}}", "is too large a number"),
        (
            "{use: toy}",
            "{use: toy, name: 2024-01-01}",
            "name: YAML reads 2024-01-01 as a date",
        ),
        ("{use: toy}", "{use: toy, name: on}", "(write true, or quote it: 'on')"),
        (
            "{use: toy}",
            "{use: toy, name: !!binary aGk=}",
            "name: the tag '!!binary' is unknown in suites (leave it out)",
        ),
        ("{use: toy}", "{use: toy, name: !!set {a}}", "the tag '!!set' is unknown in suites"),
        ("{use: toy}", r'{use: toy, name: "a\0b"}', "has a character that no text holds"),
        ("{use: toy}", r'{use: toy, name: "\ud800"}', "has a character that no text holds"),
        ("{use: toy}", "{use: folder, path: ~nobody-here/d}", "no home folder of that user"),
        ("{use: toy}", f"{{use: folder, path: {'x' * 300}}}", "File name too long"),
        ("{use: toy}", "&d {use: toy, name: *d}", ":2: not YAML: an anchor stands in itself"),
        ("[{use: toy}]", "[" * 3000 + "]" * 3000, "too many levels"),
        (
            "latency: false",
            "k: 1\n? [a]\n: 3",
            ":9: ?: a key is one word (not a list or a mapping)",
        ),
        ("latency: false", "expected: {1: {}, '1': {}}", "expected.1: stands twice"),
        ("latency: false", "expected: {tolerance: .nan}", "tolerance: YAML does not read .nan"),
        ("latency: false", "expected: {tolerance: -1}", "-1 is not a number of 0 or more"),
        ("latency: false", "expected: {nDCG@10: {words: {toy: .nan}}}", "words.toy: YAML does"),
        ("[nDCG@10]", "[]", ":3: measures: give a list of measures"),
        (
            "[{use: toy}]",
            "[{group: 1, datasets: [{use: toy}]}]",
            "datasets.0.group: the name is no text",
        ),
        ("{use: plain}", "{use: plain, search: {depth: []}}", "depth: give one value or more"),
        (
            "suite: toys",
            f"suite: {'s' * 101}",
            ":1: suite: a name of 101 bytes (take at",
        ),
        ("words: {use: words}", f"{'w' * 190}: {{use: words}}", "would take 202 bytes, 190 at"),
        (
            "words: {use: words}",
            f"{'é' * 90}: {{use: words}}",
            "would take 192 bytes, 190",
        ),
        ("{use: toy}", f"{{use: toy, name: {'d' * 190}}}", "would take 204 bytes, 190 at most"),
        ("words: {use: words}", r'"a\x07": {use: words}', r"the row's name has '\x07', which"),
    ],
)
def test_mistake(effbench, suite, old: str, new: str, message: str) -> None:
    assert old in GOOD
    found = effbench("plan", suite(first_altered(GOOD, old, new)))
    assert found.exit_code == 2
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_aliases_of_aliases_are_refused_before_they_fill_the_memory(effbench, suite) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(9):
        lines.append(f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 10)}]")
    found = effbench("plan", suite(GOOD + "\n".join(lines)))
    assert found.exit_code == 2
    assert "more than 100,000 places (too many aliases)" in found.stderr


def test_words_that_are_quoted_or_plain_are_taken(effbench, suite) -> None:
    text = altered(GOOD, "words: {use: words}", "'no': {use: words, width: 1_6, lower: True}")
    named = altered(text, "{use: toy}", "&d {use: toy, name: '1'}")
    found = effbench("plan", suite(named), "--steps")
    assert found.exit_code == 0, found.stderr
    assert "1--no--plain" in found.stdout


def test_a_suite_without_any_cell_is_a_mistake(effbench, suite, monkeypatch) -> None:
    monkeypatch.setattr("effbench_toy.effbench_ready_rows", dict)
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy")
    text = altered(GOOD, "encoders:\n  words: {use: words}", "retrievers: every")
    found = effbench("plan", suite(text))
    assert found.exit_code == 2
    assert "the suite has no cell" in found.stderr


def test_an_offer_of_a_plugin_that_is_not_loaded_is_explained(
    effbench, suite, monkeypatch
) -> None:
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy")
    found = effbench("plan", suite(altered(GOOD, "[{use: toy}]", "[{use: stdlib}]")))
    assert "EFFBENCH_PLUGINS loads only the plugins that it names)" in found.stderr
    monkeypatch.delenv("EFFBENCH_PLUGINS")
    found = effbench("plan", suite(altered(GOOD, "[{use: toy}]", "[{use: nope}]")))
    assert "EFFBENCH_PLUGINS" not in found.stderr


def test_the_good_suite_has_no_mistake(effbench, suite) -> None:
    assert effbench("plan", suite(GOOD)).exit_code == 0


def test_missing_suite_names_those_we_ship(effbench) -> None:
    found = effbench("plan", "quickstrat")
    assert found.exit_code == 2
    assert "did you mean 'quickstart'?" in found.stderr


def test_shipped_suites_are_found_by_name_and_path(effbench) -> None:
    by_name = effbench("plan", "small", "--json")
    path = ROOT / "suites" / "small.yaml"
    assert by_name.exit_code == 0, by_name.stderr
    plans = [json.loads(one.stdout) for one in (by_name, effbench("plan", path, "--json"))]
    for plan in plans:
        del plan["costs"]["free_bytes"]  # other programs write meanwhile
    assert plans[0] == plans[1]
