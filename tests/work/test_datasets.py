"""Datasets of plugins whose items would be misread: the right number, or an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altered import altered
from made_plugins import offering
from made_suites import PLAIN, TWO_ROWS

WHO = "dataset 'careless' (plugin hostile): "


@pytest.fixture
def run(effbench, suite, tmp_path: Path):
    """Run the suite on a careless dataset, or on toys; return its records by row."""

    def start(habit: str = ""):
        careless = f"{{use: careless-docs, habit: {habit}}}"
        text = altered(TWO_ROWS, "{use: toy}", careless) if habit else TWO_ROWS
        found = effbench("run", suite(text), "--results", tmp_path / f"results {habit}")
        paths = (tmp_path / f"results {habit}").glob("*/toys/*--*.json")
        records = [json.loads(path.read_text()) for path in paths]
        return found, {record["row"]["name"]: record for record in records}

    return start


def test_an_object_that_is_filled_again_and_again_is_many_docs_and_queries(run) -> None:
    (reused, toys) = (run(habit)[1] for habit in ("reuses", ""))
    for row in ("words", "scan"):
        assert reused[row]["per_query"] == toys[row]["per_query"]
        assert toys[row]["scores"]["nDCG@10"] > 0.9


@pytest.mark.parametrize(
    ("habit", "message"),
    [
        ("part", "its corpus has 23 docs, its docs_count says 60 (was it read in part, or"),
        ("dicts", "AttributeError: 'dict' object has no attribute 'doc_id'"),
    ],
)
def test_docs_that_are_none_or_not_all_are_no_corpus(run, habit: str, message: str) -> None:
    found, records = run(habit)
    assert found.exit_code == 1
    for row in ("words", "scan"):
        assert records[row]["error"].startswith(WHO + message)


def test_a_retriever_that_would_get_other_docs_the_second_time_is_not_searched(run) -> None:
    found, records = run("once")
    assert found.exit_code == 1
    assert records["scan"]["error"].startswith(f"{WHO}its docs are others than when they were")


def test_a_dataset_that_does_not_know_its_size_is_taken(run) -> None:
    found, records = run("uncounted")
    assert found.exit_code == 0
    assert records["words"]["scores"]["nDCG@10"] > 0.9


@pytest.mark.parametrize(
    ("habit", "said"), [("number", "dataset_id is 7"), ("none", "corpus_key is None")]
)
def test_names_and_keys_that_are_no_strings_are_refused_when_planning(run, habit, said) -> None:
    found, _ = run(habit)
    assert found.exit_code == 2
    assert f"plugin hostile): its {said} (give a string" in found.output


def test_another_dataset_of_one_corpus_key_does_not_take_its_vectors(
    effbench, suite, tmp_path: Path
) -> None:
    both = "{use: own-key, docs: 60}, {use: own-key, docs: 80}"
    found = effbench(
        "run", suite(altered(TWO_ROWS, "{use: toy}", both)), "--results", tmp_path / "results"
    )
    assert found.exit_code == 1
    assert "its corpus has 60 docs, its docs_count says 80" in found.output


DATASETS = [
    ("def __init__(self): raise SystemExit(0)", "SystemExit: 0 (a plugin must not end"),
    ("def __init__(self): raise GeneratorExit", "GeneratorExit"),
    ("def __init__(self): {}['x']", "KeyError: 'x'"),
    ("def __init__(self): self.__init__()", "RecursionError: maximum recursion depth"),
    ("def __init__(self): raise ValueError('one\\ntwo')", "ValueError: one two"),
    ("key = None", "its key is None (give a string)"),
    ("corpus_key = b'c'", "its corpus_key is b'c' (give a string)"),
    ("dataset_id = 7", "its dataset_id is 7 (give a string of one line"),
    ("dataset_id = ''", "its dataset_id is '' (give a string of one line"),
    ("dataset_id = 'a\\x1b[31m'", "its dataset_id is 'a\\x1b[31m' (give a string of one"),
    ("dataset_id = 'a\\nb'", "its dataset_id is 'a\\nb' (give a string of one line"),
    ("dataset_id = 'a\\ud800'", "its dataset_id is 'a\\ud800' (give a string of one line"),
    ("drop_self_hits = 'no'", "its drop_self_hits is 'no' (give True or False)"),
    ("drop_self_hits = None", "its drop_self_hits is None (give True or False)"),
    ("note = 3", "its note is 3 (give a string of one line"),
    ("note = None", "its note is None (give a string of one line"),
    ("note = 'a\\nb'", "its note is 'a\\nb' (give a string of one line"),
    ("parts = None", "its parts is None (give a list of pairs of strings"),
    ("parts = 'ab'", "its parts is 'ab' (give a list of pairs"),
    ("parts = ['ab', 'cd']", "its parts is ['ab', 'cd'] (give a list of pairs"),
    ("parts = [('c', 1)]", "its parts is [('c', 1)] (give a list of pairs"),
    ("parts = [('c', 'k', 'x')]", "its parts is [('c', 'k', 'x')] (give a list"),
    ("parts = (each for each in ())", "its parts is <generator object"),
    ("docs = None", "its docs is None (give a method)"),
    ("queries = ()", "its queries is () (give a method)"),
    ("key = property(lambda self: 1 / 0)", "its key: ZeroDivisionError: division by zero"),
    ("key = property(lambda self: sys.exit(0))", "its key: SystemExit: 0 (a plugin must"),
    ("dataset_id = property(lambda self: 1 / 0)", "its dataset_id: ZeroDivisionError"),
    ("corpus_key = property(lambda self: 1 / 0)", "its corpus_key: ZeroDivisionError"),
    ("drop_self_hits = property(lambda self: 1 / 0)", "its drop_self_hits: ZeroDivision"),
    ("parts = property(lambda self: 1 / 0)", "its parts: ZeroDivisionError"),
    ("note = property(lambda self: 1 / 0)", "its note: ZeroDivisionError"),
    ("note = property(lambda self: self.lost)", "its note: AttributeError: 'Mine' object"),
    ("def __getattr__(self, name): raise OSError(name)", "its parts: OSError: parts"),
    ("def __getattribute__(self, name): raise OSError(name)", "its docs_count: OSError"),
]


@pytest.mark.parametrize(("body", "said"), DATASETS)
def test_a_wrong_dataset_is_a_line_of_the_plan(mine, planned, body: str, said: str) -> None:
    mine(f"class Mine(Plain):\n    {body}\n" + offering("datasets", "Mine"))
    found = planned("{use: toy}", "{use: toy}, {use: mine}")
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert f":2: datasets.1: dataset 'mine' (plugin mine): {said}" in line
    assert len(line) < 500


@pytest.mark.parametrize("name", ["key", "corpus_key", "dataset_id"])
def test_what_a_dataset_lacks_is_named(mine, planned, name: str) -> None:
    mine(f"del Plain.{name}" + offering("datasets", "Plain"))
    found = planned("{use: toy}", "{use: mine}")
    assert found.exit_code == 2
    assert f"its {name} is missing (give " in found.stderr


def test_a_factory_may_return_anything(mine, planned) -> None:
    mine("def nothing(): return None\n" + offering("datasets", "nothing"))
    found = planned("{use: toy}", "{use: mine}")
    assert "(plugin mine): its docs is missing (give a method)" in found.stderr


def test_what_a_dataset_says_is_asked_once(mine, planned) -> None:
    source = """
class Mine(Plain):
    asked = []
    def __getattribute__(self, name):
        if name in ("dataset_id", "key", "corpus_key", "drop_self_hits", "parts", "note"):
            if name in Mine.asked:
                raise RuntimeError(f"{name} again")
            Mine.asked.append(name)
        return object.__getattribute__(self, name)
"""
    mine(source + offering("datasets", "Mine"))
    found = planned("{use: toy}", "{use: toy}, {use: mine}")
    assert found.exit_code == 0, found.stderr


SPLITS = [
    ("splits = 3; split = print", "its splits is 3 (give a list of names of splits)"),
    ("splits = 'train'; split = print", "its splits is 'train' (give a list of names"),
    ("splits = [1]; split = print", "its splits is [1] (give a list of names"),
    ("splits = property(lambda self: 1 / 0); split = print", "its splits: ZeroDivisionError"),
    ("splits = ['dev']; split = lambda self, name: 1 / 0", "ZeroDivisionError: division"),
    ("splits = ['dev']; split = lambda self, name: self.lost", "AttributeError: 'Mine' obj"),
]


@pytest.mark.parametrize(("body", "said"), SPLITS)
@pytest.mark.parametrize("data", ["{use: mine}", "{use: cut, dataset: {use: mine}}"])
def test_wrong_splits_are_a_line_where_somebody_trains(
    mine, planned, body: str, said: str, data: str
) -> None:
    mine(f"class Mine(Plain):\n    {body}\n" + offering("datasets", "Mine"))
    model = f"m: {{use: centroids, data: {{examples: [{{training: {data}}}]}}}}"
    rows = f"models: {{{model}}}\nencoders: {{t: {{use: table, model: m}}, "
    found = planned("encoders: {", rows)
    assert found.exit_code == 2
    assert f"models.m.data: dataset 'mine' (plugin mine): {said}" in found.stderr
    untouched = planned("{use: toy}", f"{{use: toy}}, {data}")
    assert untouched.exit_code == 0, "who does not train does not ask"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("splits = ['train']", "its split is missing (give a"),
        ("splits = ['dev']; split = lambda self, name: None", "its docs is missing"),
    ],
)
def test_a_split_that_is_no_dataset_is_a_line(mine, planned, body: str, said: str) -> None:
    mine(f"class Mine(Plain):\n    {body}\n" + offering("datasets", "Mine"))
    model = "m: {use: centroids, data: {examples: [{training: {use: mine}}]}}"
    found = planned("encoders: {", f"models: {{{model}}}\nencoders: {{")
    assert f"models.m.data: dataset 'mine' (plugin mine): {said}" in found.stderr


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("key = None", "its key is None (give a string)"),
        ("def __init__(self): raise SystemExit(0)", "SystemExit: 0 (a plugin must not"),
        ("note = property(lambda self: 1 / 0)", "its note: ZeroDivisionError"),
    ],
)
def test_of_a_dataset_within_another_the_inner_one_is_named(
    mine, planned, body: str, said: str
) -> None:
    mine(f"class Mine(Plain):\n    {body}\n" + offering("datasets", "Mine"))
    found = planned("{use: toy}", "{use: cut, dataset: {use: mine}, docs: 5}")
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert f"datasets.0.dataset: dataset 'mine' (plugin mine): {said}" in line


def test_in_a_cell_too_the_inner_dataset_is_named(mine, effbench, suite, tmp_path) -> None:
    source = "class Mine(Plain):\n    def docs(self):\n        yield 1 / 0\n"
    mine(source + offering("datasets", "Mine"))
    text = altered(PLAIN, "{use: toy}", "{use: cut, dataset: {use: mine}, docs: 5}")
    found = effbench("run", suite(text), "--results", tmp_path / "results")
    assert found.exit_code == 1
    assert "FAILED mine-cut-5--words--plain: dataset 'mine' (plugin mine): Zero" in found.stderr


def test_datasets_one_in_another_without_end_are_a_line(planned) -> None:
    deep = "{use: cut, dataset: " * 200 + "{use: toy}" + "}" * 200
    found = planned("{use: toy}", deep)
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert "one in another" in line or "RecursionError" in line


def test_what_a_dataset_may_leave_out_is_given_to_another_dataset(mine, planned) -> None:
    mine("del Plain.drop_self_hits, Plain.docs_count" + offering("datasets", "Plain"))
    found = planned("{use: toy}", "{use: cut, dataset: {use: mine}, docs: 1}")
    assert found.exit_code == 0, found.stderr
