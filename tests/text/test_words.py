"""How numbers stand in sentences."""

from __future__ import annotations

import pytest

from effbench.text.words import counted, lasting, paced, plain_line, shortened


@pytest.mark.parametrize(
    ("number", "nouns", "said"),
    [
        (0, "cells", "0 cells"),
        (1, "cells", "1 cell"),
        (1, "queries", "1 query"),
        (2, "queries", "2 queries"),
        (1, "processes", "1 process"),
        (1, "batches", "1 batch"),
        (1, "caches", "1 cache"),
        (1, "indexes", "1 index"),
        (1200, "docs", "1,200 docs"),
    ],
)
def test_a_number_takes_its_noun_in_singular_or_plural(number, nouns, said) -> None:
    assert counted(number, nouns) == said


@pytest.mark.parametrize(
    ("per_second", "said"),
    [
        (15_240.4, "15,240 docs/s"),
        (9.96, "10 docs/s"),
        (2.5, "2.5 docs/s"),
        (0.4, "2.5 s/doc"),
        (0.01, "100 s/doc"),
    ],
)
def test_a_rate_is_never_nothing(per_second: float, said: str) -> None:
    assert paced(per_second, "docs") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "0 s"),
        (99, "99 s"),
        (100, "2 min"),
        (5990, "1 h 40 min"),
        (12_000, "3 h 20 min"),
        (190_000, "2 d 4 h"),
    ],
)
def test_a_time_is_said_as_one_says_it(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


def test_a_long_text_keeps_its_end() -> None:
    cut = plain_line("x" * 10_000 + " (mend it so)")
    assert len(cut) < 420
    assert cut.endswith("(mend it so)")
    assert plain_line("a\x1b[31m\u202e\n🎉") == r"a\x1b[31m\u202e\n🎉"


def test_of_many_names_three_are_named_and_the_rest_is_counted() -> None:
    assert shortened(["a"]) == "a"
    assert shortened(["a", "b", "c", "d"]) == "a, b, c, d"
    assert shortened([*"abcde"]) == "a, b, c and 2 more"
