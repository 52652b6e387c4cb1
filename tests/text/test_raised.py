from __future__ import annotations

import pytest

from effbench.api.errors import EffbenchError
from effbench.text.raised import LONGEST, LONGEST_TRACE, raised_in, said, trace_of


class Broken(Exception):
    def __str__(self) -> str:
        raise ValueError


def test_what_was_raised_is_one_line_of_bounded_length() -> None:
    assert said(KeyError("a\n b")) == r"KeyError: 'a\n b'"
    assert said(ValueError("one\n  two")) == "ValueError: one two"
    assert said(ValueError()) == "ValueError"
    assert said(ValueError("x" * 999)) == f"ValueError: {'x' * LONGEST}"
    assert said(EffbenchError("y" * 999)) == "y" * 999, "ours is whole"
    assert said(ValueError("\ud800")) == r"ValueError: \ud800"
    assert said(Broken()) == "Broken: (its message cannot be shown)"
    assert said(SystemExit(3)).startswith("SystemExit: 3 (a plugin must not end the program")


def test_a_traceback_keeps_its_end_and_names_its_place() -> None:
    with pytest.raises(ValueError, match="end") as raised:
        raise ValueError("z" * 2 * LONGEST_TRACE + "end")
    text = trace_of(raised.value)
    assert (text[:7], text[-5:]) == ("[...]\nz", "zend\n")
    file, _, line = raised_in(raised.value.__traceback__).rpartition(":")
    assert file == __file__
    assert line.isdecimal()
    assert raised_in(None) == "unknown code"
