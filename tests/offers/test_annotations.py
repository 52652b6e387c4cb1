"""Types of options."""

from __future__ import annotations

import pytest

from made_plugins import offering


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
    mine, effbench, planned, annotation: str, listed: str
) -> None:
    source = f"class Mine(Enc):\n    def __init__(self, *, a: {annotation} = None): pass\n"
    mine(source + offering("encoders", "Mine"))
    found = effbench("plugins")
    assert found.exit_code == 0
    assert f"a: {listed} = None" in found.stdout
    assert planned("{use: words}", "{use: mine}").exit_code == 0


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


def test_a_search_option_without_a_default_is_the_author_s_mistake(mine, effbench) -> None:
    source = BOUNDED.format(annotation="int").partition("class")[0]
    source += "class Mine(PlainIndex):\n    def search(self, queries, k, *, n: int): pass\n"
    mine(source + offering("indexes", "Mine"))
    listed = effbench("plugins").stdout.partition("mine (")[2]
    assert "BROKEN: offers indexes 'mine': its search: its option 'n' has no default" in listed
