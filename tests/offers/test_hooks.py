"""What hooks answer."""

from __future__ import annotations

import json

import pytest

from made_plugins import answering, offering

HONEST = "1 cell, 5 steps, 5 of them to do"


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
        "has ready rows of 'encoder', no section with ready rows (did you",
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
    ("by_id = 1", "its by_id is 1 (give True or False)"),
    ("passages_only = True", "its passages_only is True (give a method)"),
    ("check = 'quick'", "its check is 'quick' (give a method)"),
    ("def __init__(self, *, a: 'a number' = 1): pass", "its option 'a': SyntaxError: "),
    ("def __init__(self, *, a: 'os.lost' = 1): pass", "its option 'a': AttributeError: "),
    ("def __init__(self, *, a: 'sys.exit(0)' = 1): pass", "its option 'a': SystemExit: 0"),
    (
        "def __init__(self, *, a: [int] = 1): pass",
        "its option 'a': no suite can give the type [int] (",
    ),
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
    mine, effbench, planned, source: str, said: str
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
    found = planned()
    assert found.exit_code == 0
    assert found.stdout.splitlines()[-1] == HONEST
    (remark,) = found.stderr.splitlines()
    assert remark.startswith(f"plugin 'mine' (mine 1.0) is broken and left out: {said}")
    used = planned("{use: words}", "{use: mine}")
    assert used.exit_code == 2
    assert "nothing installed offers 'mine'" in used.stderr
    assert "effbench plugins says why 'mine' is broken" in used.stderr
