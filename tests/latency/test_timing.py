"""Times, stages and bytes as they are in fact."""

from __future__ import annotations

import json

import pytest

from altered import altered
from made_timed import TERMS, TIMED, lines, with_row

LARGE = altered(TIMED, "use: toy}", "use: toy, docs: 400}")


SLEEPER = "{use: odd, odd: sleeps, text: apple apple apple, ms: %d, passages: words}"


def test_an_outlier_of_1_in_200_shows_in_p99_and_not_in_p50(measured) -> None:
    text = altered(LARGE, "{use: words, width: 32}", SLEEPER % 30)
    found, _ = measured(altered(text, "queries: 30", "queries: 800"), "--processes", "1")
    line = lines(found)["other"]
    assert line["encode p50 ms"] < 10
    assert line["encode p99 ms"] > 30


def test_a_stall_shows_in_the_response_times_of_those_who_waited(measured) -> None:
    terms = altered(TERMS, "queries: 30", "queries: 200, arrivals: [0.5]")
    text = altered(altered(LARGE, "{use: words, width: 32}", SLEEPER % 200), TERMS, terms)
    _, session = measured(text, "--processes", "1")
    served, answered = (
        session.times("toy--other--plain", span)[0][:, 2] / 1e6
        for span in ("end to end", "response at 50%")
    )
    assert served.max() > 200
    assert (answered > 50).sum() > (served > 50).sum() + 20, "who waits behind it waits too"
    (rates,) = [
        one.arrivals[0] for one in session.header.processes if one.cell == "toy--other--plain"
    ]
    assert rates["share"] == 0.5
    assert rates["per_second"] == pytest.approx(rates["asked"], rel=0.5)


def test_stages_tokens_and_bytes_are_told_apart(measured) -> None:
    found, session = measured(with_row("{use: staged, passages: words}"))
    _, parts = json.loads(found.stdout)
    (line,) = [one for one in parts["lines"] if one["row"] == "other"]
    assert line["pool ms"] > 2 > line["tokenise ms"]
    assert line["17-32 tokens ms"] > 2
    assert lines(found)["other"]["MB read"] == pytest.approx(30)
    assert set(session.header.rows["toy--other--plain"].tokens) == {30}
