"""What workers reply: figures of each query, or the row fails."""

from __future__ import annotations

import pytest

from altered import altered
from effbench.latency.replies import Timed
from made_workers import answer


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("line('nothing\\n')", "something wrote b'nothing\\n' into the pipe"),
        ("line('\\udcff\\udcfe\\n')", "something wrote b'\\xff\\xfe\\n' into the pipe"),
        ("line('\\n')", "something wrote b'\\n' into the pipe"),
        ('line(\'{"to": "other"}\\n\')', "into the pipe"),
        ("line('[' * 100_000 + '\\n')", "into the pipe"),
        ("line('half of a line')", "ended with code 0"),
        ("print('noise')", "ended with code 0: noise"),
        ("line('x' * 2**25)", "something wrote b'xxx"),
        ("os.close(channel._files[1]); os._exit(3)", "ended with code 3"),
        (answer("1"), "first gave no answer: Expected `object`, got `int`"),
        (answer("{}"), "first gave no answer: Object missing required field `first_ms`"),
        (answer('{"first_ms": "1"}'), "Expected `float`, got `str` - at `$.first_ms`"),
        (answer('{"first_ms": -1}'), "Expected `float` >= 0.0"),
        (answer('{"first_ms": NaN}'), "into the pipe"),
        (answer('{"first_ms": Infinity}'), "into the pipe"),
        (answer('{"first_ms": 1e999}'), "no answer"),
        (answer("[" * 100_000), "into the pipe"),
        (answer("null"), "no answer"),
        ("""line('{"to":"TOKEN","failed":"' + "x" * 9**6 + '"}\\n')""", "xxx"),
    ],
)
def test_what_is_no_answer_fails_the_row(asked, script: str, said: str) -> None:
    found = asked(script)
    assert isinstance(found, str)
    assert found.startswith("encoder 'e': ")
    assert said in found
    assert len(found) < 2500


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ('{"first_ms": 1}', "no answer"),
        (
            '{"ns": {"encode": [1, 1]}, "answers": [null, null], REST}',
            "gave not one answer for each query",
        ),
        (
            '{"ns": {"end to end": [1]}, "answers": [null, null], REST}',
            "gave not one answer for each query",
        ),
        (
            '{"ns": {"end to end": [1, 1]}, "answers": [null], REST}',
            "gave not one answer for each query",
        ),
        ('{"ns": {"end to end": [1, 0]}, "answers": [null, null], REST}', "`int` >= 1"),
        ('{"ns": {"end to end": [1, 1.5]}, "answers": [null, null], REST}', "Expected `int`"),
        ('{"ns": {"end to end": [1, 1e30]}, "answers": [null, null], REST}', "no answer"),
        ('{"ns": {"end to end": [1, 1]}, "answers": [[[1]], null], REST}', "no answer"),
    ],
)
def test_a_block_tells_of_each_query(asked, reply: str, said: str) -> None:
    whole = reply.replace("REST", '"kernel_ns": [1, 1], "preempted": 0, "unlike": {}')
    found = asked(answer(whole), Timed, texts=["a", "b"])
    assert found.startswith("encoder 'e': first gave ")
    assert said in found


def test_stages_without_number_are_no_answer(asked) -> None:
    names = ", ".join(f'"encode: {i}": [1]' for i in range(300))
    reply = f'{{"ns": {{"end to end": [1], {names}}}, "answers": [null], REST}}'
    whole = altered(reply, "REST", '"kernel_ns": [1, 1], "preempted": 0, "unlike": {}')
    assert "length <= 250" in asked(answer(whole), Timed, texts=["a"])
