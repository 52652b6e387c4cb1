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
