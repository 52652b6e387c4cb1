"""Which latencies are marked."""

from __future__ import annotations

from effbench.latency.samples import read_session
from effbench.statistics.trust import stability_of


def test_processes_that_differ_make_a_row_unstable(tmp_path) -> None:
    from made_sessions import write_session

    path = write_session(tmp_path, "toy", {"a": {"encode": [1.0] * 12}}, processes=4)
    session = read_session(path)
    assert stability_of(session, "a").complaint == ""
    slow = session.columns["process"] == 3
    session.columns["ns"][slow] *= 2
    assert stability_of(session, "a").complaint == "its processes differ by 50%"
