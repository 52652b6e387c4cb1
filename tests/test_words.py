"""How numbers stand in sentences."""

from __future__ import annotations

import pytest

from effbench.words import counted


@pytest.mark.parametrize(
    ("number", "nouns", "said"),
    [
        (0, "cells", "0 cells"),
        (1, "cells", "1 cell"),
        (1, "queries", "1 query"),
        (2, "queries", "2 queries"),
        (1200, "docs", "1,200 docs"),
    ],
)
def test_a_number_takes_its_noun_in_singular_or_plural(number, nouns, said) -> None:
    assert counted(number, nouns) == said
