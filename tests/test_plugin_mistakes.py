"""Whatever a plugin does while it is loaded, listed and planned is one line that names it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

HEAD = """\
import os, sys
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
import effbench
from effbench_toy import PlainIndex, WordsEncoder

class Plain:
    dataset_id, corpus_key, key, drop_self_hits = "mine", "c", "k", False
    def __init__(self, *, words: list = []): self.words = words
    def docs_count(self): return 1
    def docs(self): yield effbench.Doc("d0", "oak")
    def queries(self): yield effbench.Query("q0", "oak")
    def qrels(self): yield effbench.Qrel("q0", "d0", 1)

class Enc:
    def __init__(self, *, width: int = 8): pass
    def encode_queries(self, queries): pass
    encode_corpus = encode_queries
"""
SUITE = """\
suite: s
datasets: [{use: toy}]
measures: [nDCG@10]
encoders: {words: {use: words}}
indexes: {plain: {use: plain}}
latency: false
"""
HONEST = "1 cell, 5 steps, 5 of them to do"


def offering(section: str, factory: str) -> str:
    """A hook that offers ``factory`` as 'mine'."""
    return f"\n@effbench.hookimpl\ndef effbench_{section}(): return {{'mine': {factory}}}\n"


def answering(answer: str, hook: str = "encoders") -> str:
    return f"\n@effbench.hookimpl\ndef effbench_{hook}(): return {answer}\n"


@pytest.fixture
def mine(installed, monkeypatch):
    """Install a plugin 'mine' beside the toys."""
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy,mine,cut")
    return lambda source, **more: installed("mine", HEAD + source, **more)


@pytest.fixture
def plan(effbench, suite):
    """Plan a suite that was changed."""

    def start(old: str = "", new: str = ""):
        return effbench("plan", suite(SUITE.replace(old, new, 1)))

    return start


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
def test_a_wrong_dataset_is_a_line_of_the_plan(mine, plan, body: str, said: str) -> None:
    mine(f"class Mine(Plain):\n    {body}\n" + offering("datasets", "Mine"))
    found = plan("{use: toy}", "{use: toy}, {use: mine}")
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert f":2: datasets.1: dataset 'mine' (plugin mine): {said}" in line
    assert len(line) < 500


@pytest.mark.parametrize("name", ["key", "corpus_key", "dataset_id", "drop_self_hits"])
def test_what_a_dataset_lacks_is_named(mine, plan, name: str) -> None:
    mine(f"del Plain.{name}" + offering("datasets", "Plain"))
    found = plan("{use: toy}", "{use: mine}")
    assert found.exit_code == 2
    assert f"its {name}: AttributeError: 'Plain' object has no attribute" in found.stderr


def test_a_factory_may_return_anything(mine, plan) -> None:
    mine("def nothing(): return None\n" + offering("datasets", "nothing"))
    found = plan("{use: toy}", "{use: mine}")
    assert "(plugin mine): its docs_count: AttributeError: 'NoneType' object" in found.stderr


def test_what_a_dataset_says_is_asked_once(mine, plan) -> None:
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
    found = plan("{use: toy}", "{use: toy}, {use: mine}")
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
    mine, plan, body: str, said: str, data: str
) -> None:
    mine(f"class Mine(Plain):\n    {body}\n" + offering("datasets", "Mine"))
    model = f"m: {{use: centroids, data: {{examples: [{{training: {data}}}]}}}}"
    rows = f"models: {{{model}}}\nencoders: {{t: {{use: table, model: m}}, "
    found = plan("encoders: {", rows)
    assert found.exit_code == 2
    assert f"models.m.data: dataset 'mine' (plugin mine): {said}" in found.stderr
    untouched = plan("{use: toy}", f"{{use: toy}}, {data}")
    assert untouched.exit_code == 0, "who does not train does not ask"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("splits = ['train']", "its split: AttributeError: 'Mine' object has no attribute"),
        ("splits = ['dev']; split = lambda self, name: None", "its docs_count: AttributeE"),
    ],
)
def test_a_split_that_is_no_dataset_is_a_line(mine, plan, body: str, said: str) -> None:
    mine(f"class Mine(Plain):\n    {body}\n" + offering("datasets", "Mine"))
    model = "m: {use: centroids, data: {examples: [{training: {use: mine}}]}}"
    found = plan("encoders: {", f"models: {{{model}}}\nencoders: {{")
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
    mine, plan, body: str, said: str
) -> None:
    mine(f"class Mine(Plain):\n    {body}\n" + offering("datasets", "Mine"))
    found = plan("{use: toy}", "{use: cut, dataset: {use: mine}, docs: 5}")
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert f"datasets.0.dataset: dataset 'mine' (plugin mine): {said}" in line


def test_in_a_cell_too_the_inner_dataset_is_named(mine, effbench, suite, tmp_path) -> None:
    source = "class Mine(Plain):\n    def docs(self):\n        yield 1 / 0\n"
    mine(source + offering("datasets", "Mine"))
    text = SUITE.replace("{use: toy}", "{use: cut, dataset: {use: mine}, docs: 5}")
    found = effbench("run", suite(text), "--results", tmp_path / "results")
    assert found.exit_code == 1
    assert "FAILED mine-cut-5--words--plain: dataset 'mine' (plugin mine): Zero" in found.stderr


BROKEN = [
    # the module
    ("raise OSError('no driver')", "OSError: no driver"),
    ("def (", "SyntaxError: "),
    ("sys.exit(0)", "SystemExit: 0 (a plugin must not end the program"),
    ("", "it has no hook (docs/plugins.md says what a plugin is)"),
    (
        "def effbench_encoders(): return {}",
        "effbench_encoders is no hook yet (put @effbench.hookimpl above it)",
    ),
    (
        "@effbench.hookimpl\ndef effbench_encoder(): return {}",
        "unknown hook 'effbench_encoder' (did you mean 'effbench_encoders'?)",
    ),
    ("@effbench.hookimpl\ndef effbench_encoders(x): return {}", "PluginValidationError: "),
    # hooks
    (answering("1 / 0"), "effbench_encoders: ZeroDivisionError: division by zero"),
    (answering("sys.exit(0)"), "effbench_encoders: SystemExit: 0 (a plugin must not"),
    (answering("None"), "effbench_encoders returns None (a mapping by names is wanted)"),
    (answering("[('mine', Enc)]"), "effbench_encoders returns [('mine', <class 'mine.Enc'>)]"),
    (answering("(one for one in ())"), "effbench_encoders returns <generator object"),
    (answering("{7: Enc}"), "effbench_encoders returns the name 7 (take a string of up to"),
    (answering("{'': Enc}"), "effbench_encoders returns the name '' (take a string"),
    (answering("{'a b': Enc}"), "effbench_encoders returns the name 'a b' (take a string"),
    (answering("{'a\\x1b[1m': Enc}"), "effbench_encoders returns the name 'a\\x1b[1m' (take"),
    (answering("{'a' * 300: Enc}"), "effbench_encoders returns the name 'aaaaaa"),
    # offers
    (offering("encoders", "7"), "offers encoders 'mine', which is 7 (a class or function is"),
    (offering("encoders", "dict"), "offers encoders 'mine': its options: ValueError: no sig"),
    (offering("encoders", "zip"), "offers encoders 'mine': its options: ValueError: no sig"),
    (
        "def make(a, /): pass\n" + offering("encoders", "make"),
        "offers encoders 'mine': its option 'a' cannot be given by name (leave out the /",
    ),
    (
        "class Kind(type):\n    def __getattr__(cls, name): raise OSError(name)\n"
        "class Mine(metaclass=Kind): pass\n" + offering("encoders", "Mine"),
        "offers encoders 'mine': its version: OSError: version",
    ),
    (
        "class Mine(PlainIndex):\n    search = 3\n" + offering("indexes", "Mine"),
        "offers indexes 'mine': its search: its options: TypeError: 3 is not a callable",
    ),
    (
        "class Mine(PlainIndex):\n    def search(self, queries, k, n=object()): pass\n"
        + offering("indexes", "Mine"),
        "offers indexes 'mine': its search: its option 'n' has the default <object object",
    ),
    (
        "class Made:\n    def __getattribute__(self, name): raise OSError(name)\n"
        "    def __call__(self): pass\n" + offering("encoders", "Made()"),
        "offers encoders 'mine': OSError: __dict__",
    ),
    # ready rows
    (answering("[]", "ready_rows"), "effbench_ready_rows returns [] (a mapping by names is"),
    (answering("{'encoders': None}", "ready_rows"), "has as ready rows of 'encoders' None (a"),
    (
        answering("{'encoder': {}}", "ready_rows"),
        "has ready rows of 'encoder', no section of suites (did you",
    ),
    (
        answering("{'encoders': {'a b': {}}}", "ready_rows"),
        "has as ready rows of 'encoders' the name 'a b' (take a string",
    ),
    (
        answering("{'encoders': {'r': 'words'}}", "ready_rows"),
        "has a ready row 'r' of encoders, which is 'words' (use: NAME and options are wanted)",
    ),
    (
        answering("{'encoders': {'r': {'width': 3}}}", "ready_rows"),
        "has a ready row 'r' of encoders, which is {'width': 3} (use: NAME and options",
    ),
    (
        answering("{'encoders': {'r': {'use': 7}}}", "ready_rows"),
        "has a ready row 'r' of encoders, which is {'use': 7} (use: NAME and options",
    ),
    (
        answering("{'encoders': {'r': {'use': 'words', 3: 4}}}", "ready_rows"),
        "has a ready row 'r' of encoders with the option 3 (a string is wanted)",
    ),
    (
        answering("{'encoders': {'r': {'use': 'words', 'width': [{'a': Enc}]}}}", "ready_rows"),
        "has a ready row 'r' of encoders, whose width is [{'a': <class 'mine.Enc'>}] (plain",
    ),
    # commands
    (
        answering("{'mine': print}", "commands"),
        "offers the command 'mine', which is <built-in function print> (a click command is",
    ),
    (
        "import click\nclass Mine(click.Command):\n"
        "    def get_short_help_str(self, limit=45): 1 / 0\n"
        + answering("{'mine': Mine('mine')}", "commands"),
        "offers the command 'mine': ZeroDivisionError: division by zero",
    ),
]
ATTRIBUTES = [
    ("version = 'two'", "its version is 'two' (give a whole number from 0 on)"),
    ("version = True", "its version is True (give a whole number"),
    ("version = -1", "its version is -1 (give a whole number"),
    ("requires = ['numpy']", "its requires is ['numpy'] (give a mapping: modules ->"),
    ("requires = {'numpy': 1}", "its requires is {'numpy': 1} (give a mapping"),
    ("requires = {1: 'numpy'}", "its requires is {1: 'numpy'} (give a mapping"),
    ("latency = 'no'", "its latency is 'no' (give True or False)"),
    ("together = 1", "its together is 1 (give True or False)"),
    ("check = 'quick'", "its check is 'quick' (give a method)"),
    ("def __init__(self, *, a: 'a number' = 1): pass", "its option 'a': SyntaxError: "),
    ("def __init__(self, *, a: 'os.lost' = 1): pass", "its option 'a': AttributeError: "),
    ("def __init__(self, *, a: 'sys.exit(0)' = 1): pass", "its option 'a': SystemExit: 0"),
    ("def __init__(self, *, a: [int] = 1): pass", "its option 'a': TypeError: unhashable"),
    (
        "def __init__(self, *, a=frozenset()): pass",
        "its option 'a' has the default frozenset(), which no suite could say (take None, and",
    ),
    ("def __init__(self, *, a=object()): pass", "its option 'a' has the default <object obj"),
    ("def __init__(self, *, a=print): pass", "its option 'a' has the default <built-in"),
    ("def __init__(self, *, a=float('inf')): pass", "its option 'a' has the default inf, "),
]
BROKEN += [
    (
        f"class Mine(Enc):\n    {body}\n" + offering("encoders", "Mine"),
        f"offers encoders 'mine': {said}",
    )
    for body, said in ATTRIBUTES
]


@pytest.mark.parametrize(("source", "said"), BROKEN)
def test_what_is_wrong_at_loading_breaks_that_plugin_alone(
    mine, effbench, plan, source: str, said: str
) -> None:
    mine(source)
    listed = effbench("plugins")
    assert listed.exit_code == 1
    (line,) = [line for line in listed.stdout.splitlines() if "BROKEN" in line]
    assert line.startswith(f"  BROKEN: {said}")
    as_json = effbench("plugins", "--json")
    assert as_json.exit_code == 1
    (broken,) = [one for one in json.loads(as_json.stdout) if one["error"]]
    assert (broken["plugin"], broken["offers"]) == ("mine", [])
    assert broken["error"].startswith(said)
    found = plan()
    assert found.exit_code == 0
    assert found.stdout.splitlines()[-1] == HONEST
    (remark,) = found.stderr.splitlines()
    assert remark.startswith(f"plugin 'mine' (mine 1.0) is broken and left out: {said}")
    used = plan("{use: words}", "{use: mine}")
    assert used.exit_code == 2
    assert "nothing installed offers 'mine'" in used.stderr
    assert "effbench plugins says why 'mine' is broken" in used.stderr
    assert effbench("--help").exit_code == 0


FACTORIES = [
    ("", "partial(Enc, width=3)", "width: int = 3"),
    ("", "partial(partial(Enc), width=3)", "width: int = 3"),
    ("class Made:\n    def __call__(self, *, width: int = 4): pass\n", "Made()", "= 4"),
    ("class Made(NamedTuple):\n    width: int = 5\n", "Made", "width: int = 5"),
    (
        "import dataclasses\n@dataclasses.dataclass\nclass Made:\n    width: int = 6\n",
        "Made",
        "width: int = 6",
    ),
    (
        "class Made(Enc):\n    @classmethod\n    def small(cls, width: 'int' = 7): pass\n",
        "Made.small",
        "width: int = 7",
    ),
    ("def made(*rest, width: int = 8, **more): pass\n", "made", "width: int = 8"),
    ("class Made:\n    def __new__(cls, width: int = 9): pass\n", "Made", "width: int = 9"),
    ("made = lambda width=10: None\n", "made", "width: any = 10"),
]


@pytest.mark.parametrize(("source", "factory", "option"), FACTORIES)
def test_whatever_can_be_called_may_make_a_row(
    mine, effbench, plan, source: str, factory: str, option: str
) -> None:
    mine(source + offering("encoders", factory))
    listed = effbench("plugins")
    assert listed.exit_code == 0, listed.stdout
    assert option in listed.stdout.partition("encoders: mine")[2]
    assert plan("{use: words}", "{use: mine, width: 3}").exit_code == 0
    wrong = plan("{use: words}", "{use: mine, widht: 3}")
    assert "encoders.words.widht: unknown option 'widht' (did you mean 'wid" in wrong.stderr
    if "any" not in option:
        wrong = plan("{use: words}", "{use: mine, width: x}")
        assert "encoders.words.width: 'x' is not int" in wrong.stderr


def test_a_partial_has_version_and_check_of_what_it_is_made_of(mine, plan) -> None:
    source = "class Mine(Enc):\n    @staticmethod\n    def check(width): raise OSError(width)\n"
    mine(source + offering("encoders", "partial(Mine, width=3)"))
    found = plan("{use: words}", "{use: mine}")
    assert "encoder 'words' (plugin mine): OSError: 3" in found.stderr


@pytest.mark.parametrize(
    ("annotation", "listed"),
    [
        ("'NotImported'", "any"),
        ("Callable", "Callable"),
        ("set[int]", "set[int]"),
        ("effbench.QueryOnly[int]", "int"),
        ("'dict[str, NotImported]'", "any"),
    ],
)
def test_types_that_are_unknown_to_us_are_taken(
    mine, effbench, plan, annotation: str, listed: str
) -> None:
    source = f"class Mine(Enc):\n    def __init__(self, *, a: {annotation} = None): pass\n"
    mine(source + offering("encoders", "Mine"))
    found = effbench("plugins")
    assert found.exit_code == 0
    assert f"a: {listed} = None" in found.stdout
    assert plan("{use: words}", "{use: mine}").exit_code == 0


BOUNDED = """\
from typing import Annotated
from msgspec import Meta
class Mine(Enc):
    def __init__(self, *, a: {annotation} = None): pass
"""


@pytest.mark.parametrize(
    ("annotation", "listed", "right", "wrong", "message"),
    [
        (
            "Annotated[int, Meta(ge=1, le=8_000)] | None",
            "int | none (1 to 8,000) = None",
            "8000",
            "8001",
            "8001 is out of range (take 1 to 8,000)",
        ),
        (
            "effbench.SpeedOnly[Annotated[float, Meta(gt=0)]]",
            "float (more than 0) = None [speed-only]",
            "1",
            "0.0",
            "0.0 is out of range (take more than 0)",
        ),
        (
            "Annotated[list[Annotated[int, Meta(lt=3)]], Meta(min_length=1)]",
            "list[int] (less than 3, a length of 1 or more) = None",
            "[2]",
            "[3]",
            "[3] is out of range (take less than 3, a length of 1 or more)",
        ),
        (
            "Annotated[str, Meta(pattern='^a')]",
            "str (what '^a' finds) = None",
            "ab",
            "7",
            "7 is not str (what '^a' finds)",
        ),
    ],
)
def test_bounds_in_annotations_are_listed_and_hold(
    mine, effbench, plan, annotation: str, listed: str, right: str, wrong: str, message: str
) -> None:
    mine(BOUNDED.format(annotation=annotation) + offering("encoders", "Mine"))
    assert f"    a: {listed}\n" in effbench("plugins").stdout
    assert plan("{use: words}", f"{{use: mine, a: {right}}}").exit_code == 0
    found = plan("{use: words}", f"{{use: mine, a: {wrong}}}")
    assert found.exit_code == 2
    assert f"encoders.words.a: {message}\n" in found.stderr


def test_bounds_hold_for_what_a_suite_sweeps(mine, plan) -> None:
    search = "def search(self, queries, k, *, n: Annotated[int, Meta(ge=1)] = 1): pass"
    source = BOUNDED.format(annotation="int").partition("class")[0]
    source += f"class Mine(PlainIndex):\n    {search}\n"
    mine(source + offering("indexes", "Mine"))
    assert plan("{use: plain}", "{use: mine, search: {n: [1, 2]}}").exit_code == 0
    found = plan("{use: plain}", "{use: mine, search: {n: [1, 0]}}")
    assert "indexes.plain.search.n: 0 is out of range (take 1 or more)" in found.stderr


def test_bounds_that_do_not_suit_their_type_are_the_author_s_mistake(mine, effbench) -> None:
    source = BOUNDED.format(annotation="Annotated[str, Meta(ge=1)]")
    mine(source + offering("encoders", "Mine"))
    listed = effbench("plugins").stdout.partition("mine (")[2]
    assert "BROKEN: offers encoders 'mine': its option 'a': TypeError: Can only set" in listed


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise SystemExit(0)", "SystemExit: 0 (a plugin must not end the program"),
        ("raise ValueError('one\\ntwo')", "ValueError: one two"),
        ("raise effbench.EffbenchError('too wide\\n(take 8)')", "too wide (take 8)"),
        ("lost", "NameError: name 'lost' is not defined"),
    ],
)
def test_a_check_that_raises_is_a_mistake_of_the_row(mine, plan, body: str, said: str) -> None:
    source = f"class Mine(Enc):\n    @staticmethod\n    def check(*, width): {body}\n"
    mine(source + offering("encoders", "Mine"))
    found = plan("{words:", "{mine: {use: mine}, words:")
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    who = "" if "Effbench" in body else "encoder 'mine' (plugin mine): "
    assert f":4: encoders.mine: {who}{said}" in line


def test_a_check_and_a_dataset_may_write_into_what_they_get(mine, plan) -> None:
    source = """
class Mine(Plain):
    def __init__(self, *, words: list = []):
        words.append("x")
        if words != ["a", "x"]:
            raise RuntimeError(words)
    check = staticmethod(lambda *, words: words.clear())
"""
    mine(source + offering("datasets", "Mine"))
    found = plan("{use: toy}", "{use: mine, words: [a]}")
    assert found.exit_code == 0, found.stderr
    assert "RuntimeError: ['x']" in plan("{use: toy}", "{use: mine}").stderr
    assert "RuntimeError: ['x']" in plan("{use: toy}", "{use: mine}").stderr


def test_a_module_that_says_nothing_of_itself_is_not_missing(mine, effbench, plan) -> None:
    source = "import types\nsys.modules['odd_one'] = types.ModuleType('odd_one')\n"
    source += "class Mine(Enc):\n    requires = {'odd_one': 'odd', 'mine.lost': 'lost'}\n"
    mine(source + offering("encoders", "Mine"))
    listed = effbench("plugins")
    assert listed.exit_code == 0
    assert "needs: pip install lost\n" in listed.stdout
    found = plan("{use: words}", "{use: mine}")
    assert "words.use: 'mine' needs more packages (pip install lost)" in found.stderr


def test_a_ready_row_that_cannot_run_here_is_a_remark(mine, plan) -> None:
    rows = "{'encoders': {'r': {'use': 'words', 'width': 'x'}, 's': {'use': 'lost'}}}"
    mine(answering(rows, "ready_rows"))
    found = plan("{words: {use: words}}", "every")
    assert found.exit_code == 0
    assert "ready row 'r' is left out: 'x' is not int\n" in found.stderr
    assert "ready row 's' is left out: nothing installed offers 'lost'" in found.stderr


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("not_there", "ModuleNotFoundError: No module named 'not_there'"),
        ("mine:Lost", "AttributeError: module 'mine' has no attribute 'Lost'"),
        ("mine:Enc", "it has no hook (docs/plugins.md says what a plugin is)"),
        ("1 2", "AttributeError: "),
    ],
)
def test_an_entry_point_that_leads_nowhere_breaks_that_plugin_alone(
    mine, effbench, plan, point: str, said: str
) -> None:
    mine(offering("encoders", "Enc"), point=point)
    listed = effbench("plugins")
    assert listed.exit_code == 1
    assert f"mine (mine 1.0)\n  BROKEN: {said}" in listed.stdout
    assert plan().exit_code == 0


def test_a_plugin_of_a_name_that_is_taken_is_the_broken_one(
    mine, effbench, plan, tmp_path: Path
) -> None:
    mine(offering("encoders", "Enc"))
    about = tmp_path / "site" / "zz_twin-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: zz_twin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[effbench]\nmine = lost\n")
    listed = effbench("plugins")
    assert listed.exit_code == 1
    assert "BROKEN: another plugin of this name is installed (uninstall one)" in listed.stdout
    assert "encoders: mine" in listed.stdout
    assert plan("{use: words}", "{use: mine}").exit_code == 0


def test_a_plugin_without_its_metadata_is_taken(mine, effbench, tmp_path: Path) -> None:
    mine(offering("encoders", "Enc"))
    (tmp_path / "site" / "mine-1.0.dist-info" / "METADATA").unlink()
    listed = effbench("plugins")
    assert listed.exit_code == 0, listed.stderr
    assert "mine (unknown distribution)\n  encoders: mine" in listed.stdout


def test_a_plugin_that_goes_elsewhere_takes_nobody_along(
    mine, effbench, suite, tmp_path: Path, monkeypatch
) -> None:
    mine("os.chdir('/')\n" + answering("os.chdir('/tmp') or {'mine': Enc}"))
    suite(SUITE)
    monkeypatch.chdir(tmp_path)
    found = effbench("plan", "suite.yaml")
    assert found.exit_code == 0, found.stderr
    assert Path.cwd() == tmp_path


def test_a_model_that_cannot_be_read_is_a_line_of_the_plan(mine, plan, tmp_path: Path) -> None:
    mine("def make(*, model: effbench.ModelId): pass\n" + offering("encoders", "make"))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").symlink_to("/proc/self/mem")
    found = plan("{use: words}", "{use: mine, model: ./model}")
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert ":4: encoders.words.model: " in line
    assert "model/weights: Input/output error (make it readable)" in line


def test_a_loop_of_links_is_a_line_of_the_plan(mine, plan, tmp_path: Path) -> None:
    mine("def make(*, model: effbench.ModelId): pass\n" + offering("encoders", "make"))
    (tmp_path / "model").symlink_to(tmp_path / "model")
    found = plan("{use: words}", "{use: mine, model: ./model}")
    assert found.exit_code == 2
    assert ":4: encoders.words.model: './model': " in found.stderr
    assert "home" not in found.stderr


def test_a_folder_in_a_files_place_is_a_line_of_the_plan(mine, plan, tmp_path: Path) -> None:
    source = "def make(*, at: effbench.DataPath): return open(at)\n"
    mine(source + offering("datasets", "make"))
    found = plan("{use: toy}", "{use: mine, at: .}")
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert ":2: datasets.0: dataset 'mine' (plugin mine): IsADirectoryError: " in line


def test_datasets_one_in_another_without_end_are_a_line(plan) -> None:
    deep = "{use: cut, dataset: " * 200 + "{use: toy}" + "}" * 200
    found = plan("{use: toy}", deep)
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert "one in another" in line or "RecursionError" in line
