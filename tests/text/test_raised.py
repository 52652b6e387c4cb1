from __future__ import annotations

import pytest

from effbench.api.errors import EffbenchError
from effbench.text.raised import LONGEST, LONGEST_TRACE, message_of, raised_in, trace_of


class Broken(Exception):
    def __str__(self) -> str:
        raise ValueError


def test_what_was_raised_is_one_line_of_bounded_length() -> None:
    assert message_of(KeyError("a\n b")) == r"KeyError: 'a\n b'"
    assert message_of(ValueError("one\n  two")) == "ValueError: one two"
    assert message_of(ValueError()) == "ValueError"
    assert message_of(ValueError("x" * 999)) == f"ValueError: {'x' * LONGEST}"
    assert message_of(EffbenchError("y" * 999)) == "y" * 999, "ours is whole"
    assert message_of(ValueError("\ud800")) == r"ValueError: \ud800"
    assert message_of(Broken()) == "Broken: (its message cannot be shown)"
    assert message_of(SystemExit(3)).startswith("SystemExit: 3 (a plugin must not end")


def test_a_traceback_keeps_its_end_and_names_its_place() -> None:
    with pytest.raises(ValueError, match="end") as raised:
        raise ValueError("z" * 2 * LONGEST_TRACE + "end")
    text = trace_of(raised.value)
    assert (text[:7], text[-5:]) == ("[...]\nz", "zend\n")
    file, _, line = raised_in(raised.value.__traceback__).rpartition(":")
    assert file == __file__
    assert line.isdecimal()
    assert raised_in(None) == "unknown code"
