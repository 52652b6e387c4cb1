"""What encoders tell of themselves: a wrong description is told, and costs no score."""

from __future__ import annotations

import pytest

from altered import altered
from made_plugins import TELLER, teller
from made_suites import TWO_ROWS

WHO = "encoder 'other' (plugin mine)"
NAME = "is no name (take 1 to 80 characters)"


def with_teller(told: str) -> str:
    return altered(TWO_ROWS, "encoders: {", f"encoders: {{other: {teller(told)}, ")


AT_ONCE = {
    "1 / 0": ": ZeroDivisionError: division by zero",
    "sys.exit(0)": ": SystemExit: 0 (a plugin must not end the program",
    "None": " returned None (return an effbench.Description)",
    "dict(stages=stages)": " returned {'stages': ",
    "(stages, count)": " returned ({'whole': ",
    "hello([count])": ": stages is [<function ",
    "hello('whole')": ": stages is 'whole' (give a mapping: name -> function)",
    "hello({'whole': 7})": ": stages: whole is 7 (give a function)",
    "hello({'whole': None})": ": stages: whole is None (give a function)",
    "hello({7: count})": f": stages: 7 {NAME}",
    "hello({'': count})": f": stages: '' {NAME}",
    "hello({'a\\nb': count})": f": stages: 'a\\nb' {NAME}",
    "hello({str(i): count for i in range(51)})": ": stages has 51 (give at most 50)",
    "hello(count_tokens=3)": ": count_tokens is 3 (give a function)",
    "hello(bytes_read=[3])": ": bytes_read is [3] (give a function)",
    "hello(query_parameters=-1)": ": query_parameters is -1 (give 0 or more parameters, ",
    "hello(query_parameters=nan)": ": query_parameters is nan (give 0 or more parameters, ",
    "hello(query_parameters='2M')": ": query_parameters is '2M' (give 0 or more ",
    "hello(query_parameters=True)": ": query_parameters is True (give 0 or more ",
}
"""What ``describe`` returns, and what is said of it after ``describe``."""


@pytest.mark.parametrize("told", AT_ONCE)
def test_a_wrong_description_is_said_in_one_line_and_no_cell_is_lost(
    mine, ran, told: str
) -> None:
    mine(TELLER)
    found, records = ran(with_teller(told))
    assert found.exit_code == 0, found.output
    said = [line for line in found.stderr.splitlines() if "mine): describe" in line]
    assert len(said) == 1, found.stderr
    assert f"{WHO}: describe{AT_ONCE[told]}" in said[0]
    assert "Traceback" not in found.stderr
    mine_, words = (records[f"toy--{name}--plain"] for name in ("other", "words"))
    assert mine_["scores"] == words["scores"]
    assert mine_["costs"]["query_parameters"] is None


def test_a_whole_description_is_in_the_record(mine, ran) -> None:
    mine(TELLER)
    told = "hello(stages, count, lambda n: n, __import__('numpy').int64(7))"
    found, records = ran(with_teller(told))
    assert "mine): describe" not in found.stderr
    assert records["toy--other--plain"]["costs"]["query_parameters"] == 7
    assert records["toy--words--plain"]["costs"]["query_parameters"] is None
