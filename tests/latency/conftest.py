from __future__ import annotations

import pytest

from made_timed import sessions


@pytest.fixture
def measured(effbench, suite, tmp_path):
    """Measure a suite's latency; return the command's result and the session."""

    def measure(text: str, *arguments: str, results: str = "results"):
        place = tmp_path / results
        options = ("--results", place, "--json", *arguments)
        found = effbench("latency", suite(text), *options)
        assert found.exception is None or isinstance(found.exception, SystemExit), found.output
        return found, sessions(place)[-1]

    return measure
