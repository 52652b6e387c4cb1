"""Types of options."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_plugins import offering


def option(annotation: str, default: str = "None") -> str:
    """An encoder with an option ``a``."""
    head = "from collections.abc import Sequence\nfrom pathlib import Path\n"
    head += "import typing\nfrom typing import Annotated, Literal\nfrom msgspec import Meta\n"
    body = f"    def __init__(self, *, a: {annotation} = {default}): self.a = a\n"
    return f"{head}class Mine(Enc):\n{body}" + offering("encoders", "Mine")


@pytest.mark.parametrize(
    ("annotation", "listed"),
    [
        ("'NotImported'", "any"),
        ("effbench.QueryOnly[int]", "int"),
        ("'dict[str, NotImported]'", "any"),
        ("list", "list"),
        ("tuple[int, ...]", "list[int]"),
        ("Sequence[str]", "sequence[str]"),
        ("dict[str, list[float]]", "dict[str, list[float]]"),
        ("effbench.TrainedModel | Path | None", "row of models | path | none"),
        ("list[effbench.TrainedModel]", "list[row of models]"),
        ("list[effbench.ModelId] | None", "list[model] | none"),
        ("Literal['no'] | int", "'no' | int"),
    ],
)
def test_types_that_a_suite_can_give_are_listed(
    mine, effbench, planned, annotation: str, listed: str
) -> None:
    mine(option(annotation))
    found = effbench("plugins")
    assert found.exit_code == 0
    assert f"a: {listed} = None" in found.stdout
    assert planned("{use: words}", "{use: mine}").exit_code == 0


IMPOSSIBLE = "no suite can give the type"
TWO = "could mean two things (take one of them)"


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (
            "Callable",
            f"{IMPOSSIBLE} Callable (take str, int, float, bool, Literal, list, dict,",
        ),
        ("Enc | None", f"{IMPOSSIBLE} Enc (take str,"),
        ("set[int]", f"{IMPOSSIBLE} set[int] (take str,"),
        ("dict[str, Path]", f"{IMPOSSIBLE} dict[str, path] (take str,"),
        ("dict[float, str]", f"{IMPOSSIBLE} dict[float, str] (take str,"),
        ("dict[int, str]", f"{IMPOSSIBLE} dict[int, str] (take str,"),
        ("'typing.Callable[[int], str]'", f"{IMPOSSIBLE} callable[[int], str] (take str,"),
        (
            "tuple[effbench.Searcher, float]",
            "paths or rows stand beside others in list[row of retrievers or {row: ROW, index: "
            "ROW}, float] (take two options)",
        ),
        ("tuple[int, Path]", "paths or rows stand beside others in list[int, path] (take"),
        ("list[Enc]", f"{IMPOSSIBLE} Enc (take str,"),
        (
            "list[list[Path]]",
            "paths or rows stand too deep in list[list[path]] (take one list)",
        ),
        ("list[effbench.SpeedOnly[int]]", "a mark inside list[int] marks nothing (put it"),
        ("Path | str", f"a value of path | str {TWO}"),
        ("Path | effbench.ModelId", f"a value of path | model {TWO}"),
        ("Path | Literal['no']", f"a value of path | 'no' {TWO}"),
        ("effbench.TrainedModel | str", f"a value of row of models | str {TWO}"),
        ("effbench.Dataset | Path", f"a value of dataset | path {TWO}"),
        (
            "effbench.Dataset | effbench.TrainedModel",
            f"a value of dataset | row of models {TWO}",
        ),
        ("list[int] | list[str]", "TypeError: Type unions may not contain more than one array"),
    ],
)
def test_types_that_no_suite_can_give_are_refused_by_name(
    mine, effbench, annotation: str, said: str
) -> None:
    mine(option(annotation))
    listed = effbench("plugins").stdout.partition("mine (")[2]
    assert f"  BROKEN: offers encoders 'mine': its option 'a': {said}" in listed


@pytest.mark.parametrize(
    "annotation", ["list[Path]", "tuple[Path, ...]", "list[effbench.ModelId]"]
)
def test_each_path_of_a_list_is_looked_up_and_in_the_keys(
    mine, effbench, planned, tmp_path: Path, annotation: str
) -> None:
    mine(option(annotation, "()"))
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)

    def keys(row: str) -> tuple[str, ...]:
        lines = planned("{use: words}", row, "--steps").stdout.splitlines()
        return tuple(line.split()[2] for line in lines if line.startswith("to do  "))

    row = "{use: mine, a: [./a, ./b]}"
    first = keys(row)
    assert keys(row) == first
    swapped = keys("{use: mine, a: [./b, ./a]}")
    (tmp_path / "b" / "file").write_text("other")
    assert len({first, swapped, keys(row)}) == 3
    for wrong, said in (("./lost", "no"), ("''", "is not list["), ("7", "is not list[")):
        found = planned("{use: words}", f"{{use: mine, a: [./a, {wrong}]}}")
        assert found.exit_code == 2
        assert f"encoders.words.a: {said}" in found.stderr or said in found.stderr


def test_a_missing_path_of_a_list_of_data_is_no_mistake_yet(mine, planned) -> None:
    mine(option("list[effbench.DataPath]", "()"))
    assert planned("{use: words}", "{use: mine, a: [lost]}").exit_code == 0


def test_a_file_of_a_list_that_changes_after_the_plan_is_named(
    mine, run, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("a")
    check = "    @staticmethod\n    def check(a): a[0].write_text('b')\n"
    mine(option("list[Path]", "()").replace("\n@", f"{check}\n@"))
    found = run(
        "suite: s\ndatasets: [{use: toy}]\nencoders: {m: {use: mine, a: [a]}}\n"
        "indexes: {p: {use: plain}}\nlatency: false"
    )
    said = f"encoder 'm' (plugin mine): {tmp_path / 'a'} has changed since the plan (run again)"
    assert said in found.stderr


def test_values_are_converted_to_the_type_of_their_option(
    mine, effbench, run, tmp_path
) -> None:
    given = tmp_path / "given"
    write = f"open({str(given)!r}, 'w').write(repr(a))"
    mine(option("dict[str, list[float]]").replace("self.a = a", write))
    found = run(
        "suite: s\ndatasets: [{use: toy}]\nencoders: {m: {use: mine, a: {b: [1, 2.5]}}}\n"
        "indexes: {p: {use: plain}}\nlatency: false"
    )
    assert found.exit_code == 1
    assert given.read_text() == "{'b': [1.0, 2.5]}"


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
            "list[int] (less than 3 each, a length of 1 or more) = None",
            "[2]",
            "[3]",
            "[3] is out of range (take less than 3 each, a length of 1 or more)",
        ),
        (
            "effbench.SpeedOnly[Annotated[int, Meta(gt=0, le=2)]] | None",
            "int | none (more than 0, at most 2) = None [speed-only]",
            "2",
            "3",
            "3 is out of range (take more than 0, at most 2)",
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
    mine, effbench, planned, annotation: str, listed: str, right: str, wrong: str, message: str
) -> None:
    mine(BOUNDED.format(annotation=annotation) + offering("encoders", "Mine"))
    assert f"    a: {listed}\n" in effbench("plugins").stdout
    assert planned("{use: words}", f"{{use: mine, a: {right}}}").exit_code == 0
    found = planned("{use: words}", f"{{use: mine, a: {wrong}}}")
    assert found.exit_code == 2
    assert f"encoders.words.a: {message}\n" in found.stderr


def test_bounds_hold_for_what_a_suite_sweeps(mine, planned) -> None:
    search = "def search(self, queries, k, *, n: Annotated[int, Meta(ge=1)] = 1): pass"
    source = BOUNDED.format(annotation="int").partition("class")[0]
    source += f"class Mine(PlainIndex):\n    {search}\n"
    mine(source + offering("indexes", "Mine"))
    assert planned("{use: plain}", "{use: mine, search: {n: [1, 2]}}").exit_code == 0
    found = planned("{use: plain}", "{use: mine, search: {n: [1, 0]}}")
    assert "indexes.plain.search.n: 0 is out of range (take 1 or more)" in found.stderr


def test_bounds_that_do_not_suit_their_type_are_the_author_s_mistake(mine, effbench) -> None:
    source = BOUNDED.format(annotation="Annotated[str, Meta(ge=1)]")
    mine(source + offering("encoders", "Mine"))
    listed = effbench("plugins").stdout.partition("mine (")[2]
    assert "BROKEN: offers encoders 'mine': its option 'a': TypeError: Can only set" in listed


def test_a_default_out_of_its_bounds_is_the_author_s_mistake(mine, effbench) -> None:
    source = BOUNDED.format(annotation="Annotated[int, Meta(ge=1)]").replace("None)", "0)")
    mine(source + offering("encoders", "Mine"))
    listed = effbench("plugins").stdout.partition("mine (")[2]
    assert "its option 'a': its default: 0 is out of range (take 1 or more)" in listed


@pytest.mark.parametrize(
    ("annotation", "default", "said"),
    [
        ("int", "1.0", "1.0 is not int"),
        ("bool", "0", "0 is not bool (write true or false)"),
        ("list[str]", "'abc'", "'abc' is not list[str]"),
        ("Literal['a', 'b']", "'c'", "'c' is not 'a' | 'b'"),
        ("effbench.ModelId", "3", "3 is not model (quote it: '3')"),
        ("float", "10**400", "10000000000000000000... is too large a number"),
    ],
)
def test_a_default_of_another_type_is_the_author_s_mistake(
    mine, effbench, annotation: str, default: str, said: str
) -> None:
    mine(option(annotation, default))
    listed = effbench("plugins").stdout.partition("mine (")[2]
    assert f"BROKEN: offers encoders 'mine': its option 'a': its default: {said}" in listed


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        ("float", "1"),
        ("tuple[int, ...]", "(1, 2)"),
        ("list[Path]", "['x', Path('y')]"),
        ("effbench.Encoder", "'words'"),
        ("effbench.SpeedOnly[int] | None", "5"),
    ],
)
def test_a_default_that_a_suite_could_say_is_none(
    mine, effbench, annotation: str, default: str
) -> None:
    mine(option(annotation, default))
    assert effbench("plugins").exit_code == 0


def test_a_search_option_without_a_default_is_the_author_s_mistake(mine, effbench) -> None:
    source = BOUNDED.format(annotation="int").partition("class")[0]
    source += "class Mine(PlainIndex):\n    def search(self, queries, k, *, n: int): pass\n"
    mine(source + offering("indexes", "Mine"))
    listed = effbench("plugins").stdout.partition("mine (")[2]
    assert "BROKEN: offers indexes 'mine': its search: its option 'n' has no default" in listed
