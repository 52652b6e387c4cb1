"""Suites that nobody writes by mistake, and some that one might: one line each, no hang."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from altered import altered, first_altered
from made_suites import GOOD

ROW, DATASET = "{use: words}", "{use: toy}"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)
)
MERGE_BOMB = "a0: &a0 {x: 1}\n" + "\n".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 10)
)
CHAIN = "a0: &a0 [x]\n" + "\n".join(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 200))


def refused(effbench, path: Path) -> list[str]:
    """Return the lines that are said of a suite, without its path."""
    found = effbench("plan", path)
    assert found.exit_code == 2, found.output
    assert "Traceback" not in found.output
    lines = found.stderr.removeprefix("Error: ").splitlines()
    assert all(len(line) < 700 for line in lines)
    assert all(line.isprintable() for line in lines)
    return [line.replace(str(path), "S") for line in lines]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + BOMB, "S:9: more than 100,000 places (too many aliases)"),
        (GOOD + MERGE_BOMB, "S:9: more than 100,000 places (too many aliases)"),
        (GOOD + CHAIN, "not YAML: too many levels, one in another (50 at most)"),
        (GOOD + "x: &x {<<: *x, a: 1}", "S:9: not YAML: an anchor stands in itself"),
        (GOOD + "? &a [*a]\n: 1", "S:9: ?: a key is one word"),
        (GOOD + "a: &a [x]\n? *a\n: 3", "S:9: ?: a key is one word"),
        (GOOD + "x: {<<: 3}", "S:9: not YAML: expected a mapping"),
        (GOOD + "x: " + "[" * 100_000 + "]" * 100_000, "S:9: not YAML: too many levels"),
        (GOOD + "x: " + "{" * 100_000, "S:9: not YAML: too many levels"),
        (GOOD + "x:\n  " + "- " * 100_000, "S:10: not YAML: too many levels"),
        (GOOD + "? " * 100_000 + "a", "S:9: not YAML: too many levels"),
        (GOOD + "#" * 2_000_000, "S: more than 2,000,000 bytes (is it a suite?)"),
        (GOOD + "---\n" + GOOD, "S:9: not YAML: another document begins (a suite is one)"),
        (altered(GOOD, "  words", "\twords"), "S:5: not YAML: found character '\\t' that"),
        (GOOD + "x: 'a\0b'", "S:9: has '\\x00', which is no part of a text (delete it)"),
        (GOOD + r'x: "\UFFFFFFFF"', "S:9: not YAML: an escape that is no character"),
        (GOOD + r'x: "\U00110000"', "S:9: not YAML: an escape that is no character"),
        (GOOD + "\ufeffk: 100", r"S:9: \ufeffk: unknown key (did you mean 'k'?)"),
        (GOOD + '"a\\nb\\e[31m": 3', r"S:9: a\nb\x1b[31m: unknown key"),
        (GOOD + "'': 3", "S:9: '': unknown key"),
        (GOOD + "k: 1" + "0" * 5000, "S:9: k: a number of 5,001 digits"),
        (GOOD + "k: 0x" + "f" * 5000, "S:9: k: a number of 5,002 digits"),
        (GOOD + "k: 1000000000", "S:9: k: 1000000000 is not a whole number of hits from 1 to"),
        ("", "S:1: a suite is a mapping"),
        ("- a", "S:1: a suite is a mapping"),
    ],
    ids=range(25),
)
def test_a_hostile_file_is_one_line(effbench, suite, text: str, message: str) -> None:
    assert message in refused(effbench, suite(text))[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            ROW,
            "{use: words, width: !!python/object/apply:os.system [x]}",
            "the tag '!!python/o",
        ),
        (ROW, "{use: words, width: !!int x}", "width: the tag '!!int' is unknown in suites"),
        (ROW, "{use: words, width: !!null x}", "width: the tag '!!null' is unknown"),
        (DATASET, "!!str {use: toy}", "datasets.0: the tag '!!str' is unknown in suites"),
        (DATASET, "{use: toy, name: !!omap [a: 1]}", "datasets.0.name: the tag '!!omap' is"),
        (DATASET, "{use: toy, name: =}", "YAML reads = as a default, not as text"),
        (DATASET, "{use: toy, name: true}", "True is not str (quote it: 'true')"),
        (DATASET, "{use: toy, name: 2}", "2 is not str (quote it: '2')"),
        (
            DATASET,
            r'{use: toy, name: "a\eb"}',
            "without control characters",
        ),
        (DATASET, r'{use: toy, name: "a\u2028b"}', "without control characters"),
        (DATASET, r'{use: toy, name: "a\u202eb"}', r"has '\u202e', which terminals, figures"),
        (DATASET, "{use: toy, name: ''}", "its dataset_id is '' (give a string of one line"),
        (DATASET, "{use: toy, name: ..}", "ends with a point: Windows has no such files"),
        (
            "[{use: toy}]",
            r'[{group: "a\nb", datasets: [{use: toy}]}]',
            r"0.group: the name has '\n",
        ),
        ("[{use: toy}]", "[{group: a, datasets: []}]", "datasets.0: a group is {group: NAME,"),
        ("words: {use", '"a\\u202eb": {use', r"encoders.a\u202eb: the row's name has '\u202e'"),
        ("words: {use", "CON: {use", "encoders.CON: the row's name means a device on Windows"),
        ("words: {use", "nul.x: {use", "the row's name means a device on Windows"),
        ("words: {use", "-x: {use", "the row's name begins with -: commands and spreadsheets"),
        ("words: {use", "'=1+1': {use", "the row's name begins with =: commands and spreads"),
        ("words: {use", f"{'w' * 1000}: {{use", "the row's name has 1,000 bytes (190 at most)"),
        ("plain: {use", "'plain.': {use", "indexes.plain.: the row's name begins or ends with"),
        ("suite: toys", "suite: Lpt1", "suite: the name means a device on Windows"),
        (
            "  words: {use: words}",
            "  words: {use: words}\n  Words: {use: words}",
            "S:6: encoders.Words: 'words' and 'Words' are one file on macOS and Windows",
        ),
        (
            "  words: {use: words}",
            "  café: {use: words}\n  cafe\u0301: {use: words}",
            "'café' and 'cafe\u0301' are one file on macOS and Windows",
        ),
        (
            "  words: {use: words}",
            "  a,b: {use: words}\n  a;b: {use: words}",
            "cells share the file name 'toy--a-b--plain': toy, a,b, plain and toy, a;b, plain",
        ),
        (
            "[{use: toy}]",
            "[{use: toy, name: a}, {use: toy, name: A}]",
            "datasets.1: 'a' and 'A' are one file on macOS and Windows (rename one)",
        ),
        (
            "{use: plain}",
            "{use: plain, search: {depth: [1, 1]}}",
            "'toy--words--plain--depth=1'",
        ),
        (
            "{use: plain}",
            f"{{use: plain, search: {{a: {[*range(999)]}, b: {[*range(999)]}}}}}",
            "indexes.plain.search: a grid of 998,001 settings (take at most 10,000)",
        ),
        ("{use: plain}", r'{use: plain, search: {depth: "a\e"}}', r"depth: a value has '\x1b'"),
        (ROW, "{use: words, passages: {row: {a: 1}, unchecked: true}}", "passages are ROW or"),
        (ROW, f"{{use: words, width: {'x' * 1_000_000}}}", "xxxxxx' is not int"),
        (ROW, f"{{use: words, lower: 1{'0' * 400}}}", "0 is not bool (write true or false)"),
        (ROW, f"{{use: words, device: [1{'0' * 400}]}}", "0] is not str"),
        (ROW, f"{{use: words, {'x' * 1000}: 1}}", ": unknown option 'xxx"),
        ("[nDCG@10]", f"['nDCG{'(' * 10_000}']", "measures.0: no measure is called 'nDCG((((("),
        ("[nDCG@10]", f"[P@{'9' * 5000}]", "measures.0: no measure is called 'P@999"),
        ("[nDCG@10]", "[{a: 1}]", "measures.0: no measure is called {'a': 1} (write one such"),
        ("[nDCG@10]", "{nDCG@10: 1}", "measures: give a list of measures"),
        ("[nDCG@10]", "", "measures: give a list of measures"),
        ("latency: false", "latency: true", "latency: True is not a mapping"),
        ("latency: false", "latency: {timeout: 1.5}", "1.5 is not int (1 to 1,000,000)"),
        ("latency: false", f"latency: {{queries: {10**21}}}", "(take 1 to 1,000,000)"),
        ("latency: false", f"latency: {{processes: {10**4}}}", "(take 1 to 1,000)"),
        ("latency: false", "latency: {threads: true}", "True is not int (1 to 4,096)"),
        (
            "latency: false",
            f"latency: {{batches: [{10**9}]}}",
            "is out of range (take 1 to 65,536 each,",
        ),
        (
            "latency: false",
            "latency: {arrivals: [1.0e-10]}",
            "[1e-10] is out of range (take 0.001 to 1 each,",
        ),
        ("latency: false", "expected: [1]", "expected: [1] is not a mapping"),
        (
            "latency: false",
            "expected: {nDCG@10: [1]}",
            "expected.nDCG@10: [1] is not a mapping",
        ),
        (
            "latency: false",
            "expected: {nDCG@10: {words: 1}}",
            "nDCG@10.words: 1 is not a mapping",
        ),
        ("latency: false", f"expected: {{tolerance: 1{'0' * 400}}}", "is not a number of 0 or"),
        (
            "latency: false",
            f"expected: {{nDCG@10: {{words: {{toy: 1{'0' * 400}}}}}}}",
            "is not a score",
        ),
        (
            "latency: false",
            "models: {m: {use: x, seed: -1}}",
            "-1 is not a whole number from 0",
        ),
    ],
)
def test_a_hostile_value_is_a_line(effbench, suite, old: str, new: str, message: str) -> None:
    assert old in GOOD
    lines = refused(effbench, suite(first_altered(GOOD, old, new)))
    assert any(message in line for line in lines), lines
    assert all(line.startswith("S:") for line in lines)


@pytest.mark.parametrize("kind", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_another_encoding_is_said(effbench, suite, kind: str) -> None:
    path = suite("")
    path.write_bytes(altered(GOOD, "toys", "é").encode(kind))
    assert "save the file as UTF-8" in refused(effbench, path)[0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_ends_of_lines_and_a_byte_order_mark_are_fine(effbench, suite, end, mark) -> None:
    path = suite("")
    path.write_bytes((mark + GOOD.replace("\n", end)).encode())
    assert effbench("plan", path).exit_code == 0


@pytest.mark.parametrize(
    "name", ["👩\u200d🔬🎉", "re\u0301sume\u0301", "naïve", "中文", "می\u200cروم"]
)
def test_emoji_and_combining_characters_are_fine(effbench, suite, name: str) -> None:
    found = effbench("plan", suite(altered(GOOD, "words: {use", f"'{name}': {{use")))
    assert found.exit_code == 0, found.output


def test_what_is_no_file_is_said(effbench, tmp_path: Path) -> None:
    for make in (os.mkdir, os.mkfifo):
        path = tmp_path / make.__name__
        make(path)
        assert refused(effbench, path) == ["S: is no file (a suite is a YAML file)"]
    (tmp_path / "loop").symlink_to("loop")
    assert "no such suite file" in refused(effbench, tmp_path / "loop")[0]


def test_a_suite_file_beside_a_mistyped_one_is_offered(
    effbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("search.yaml").touch()
    for name in ("search.yml", "search", "Search.YAML", "serach.yaml"):
        said = f"Error: {name}: no such suite file (did you mean search.yaml?)\n"
        assert effbench("plan", name).stderr == said
    elsewhere = effbench("plan", tmp_path / "search.yml").stderr
    assert f"(did you mean {tmp_path / 'search.yaml'}?)" in elsewhere
    for name, hint in (("smal", "did you mean 'small'?"), ("no/search.yml", "known: beir,")):
        assert f"Error: {name}: no such suite file ({hint}" in effbench("plan", name).stderr


def test_too_many_cells_are_a_line(effbench, suite) -> None:
    rows = "\n".join(f"  w{i}: {{use: words}}" for i in range(150))
    indexes = "\n".join(f"  p{i}: {{use: plain}}" for i in range(150))
    text = altered(
        altered(GOOD, "  words: {use: words}", rows), "  plain: {use: plain}", indexes
    )
    assert refused(effbench, suite(text)) == [
        "S:1: suite: more than 20,000 cells (take fewer datasets, rows or search settings)"
    ]


def test_very_many_mistakes_are_counted(effbench, suite) -> None:
    lines = refused(effbench, suite(GOOD + "\n".join(f"k{i}: 1" for i in range(250))))
    assert len(lines) == 101
    assert lines[-1] == "... and 150 more mistakes"


def test_words_of_every_kind_are_noted_at_once(effbench, suite) -> None:
    lines = refused(effbench, suite(GOOD + "a: !!int 1\nb: no\n? [c]\n: 1\nk: 1\nk: 2"))
    assert [line.partition(": ")[0] for line in lines] == ["S:9", "S:10", "S:11", "S:13"]
