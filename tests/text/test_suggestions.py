from __future__ import annotations

import pytest

from effbench.text.suggestions import COMPARED, near, suggest


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("wrods", "did you mean 'words'?"),
        ("WORDS", "did you mean 'words'?"),
        ("mini", "did you mean 'all-MiniLM'?"),
        ("zzz", "known: all-MiniLM, words"),
    ],
)
def test_a_name_that_is_like_it_is_offered_or_all_are_listed(word: str, said: str) -> None:
    assert suggest(word, {"words", "all-MiniLM"}) == said


def test_nothing_is_near_nothing_nor_looked_for_among_very_many() -> None:
    assert suggest("a", ()) == "none is known"
    assert near("name1", [f"name{i}" for i in range(COMPARED)]) == "name1"
    assert near("name1", [f"name{i}" for i in range(COMPARED + 1)]) is None
