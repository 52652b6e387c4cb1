from __future__ import annotations

import pytest

from effbench.latency import workers
from effbench.latency.replies import First, Reply
from effbench.latency.workers import Worker, WorkerError
from effbench.making.leftovers import end_leftovers
from made_timed import sessions
from made_workers import FAKE


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


@pytest.fixture
def asked(monkeypatch):
    """Ask a worker that runs a script; return what its row fails with, or its answer."""

    def ask(script: str, reply: type[Reply] = First, timeout: float = 60, **options):
        monkeypatch.setattr(workers, "PROGRAM", ("-c", FAKE + script))
        worker = Worker("encoder 'e'", 1, None)
        try:
            return worker.ask("first", reply, timeout, **options)
        except WorkerError as error:
            return str(error)
        finally:
            worker.end()
            end_leftovers({worker.mark})
            assert worker._process.returncode is not None

    return ask
