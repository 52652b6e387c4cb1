"""The pipe between a session and a worker."""

from __future__ import annotations

import psutil
import pytest

from effbench.latency import workers
from effbench.latency.replies import First, Warm
from effbench.latency.workers import Worker, WorkerError
from effbench.making.channel import LARGEST
from made_workers import FAKE, answer


def test_a_line_too_many_fails_the_next_command(monkeypatch) -> None:
    script = answer('{"first_ms": 2}', ";") + answer('{"first_ms": 3}', "; input()")
    monkeypatch.setattr(workers, "PROGRAM", ("-c", FAKE + script + "\nchannel.command()"))
    worker = Worker("encoder 'e'", 1, None)
    assert worker.ask("first", First, 60).first_ms == 2
    with pytest.raises(WorkerError, match="something wrote"):
        worker.ask("first", First, 60)
    worker.end()


def test_what_python_prints_at_its_start_is_no_answer(monkeypatch) -> None:
    script = "print('hello from sitecustomize')\n" + FAKE + answer('{"first_ms": 2}')
    monkeypatch.setattr(workers, "PROGRAM", ("-c", script))
    worker = Worker("encoder 'e'", 1, None)
    assert worker.ask("first", First, 60).first_ms == 2
    worker.end()


@pytest.mark.parametrize(
    "script",
    [
        "from effbench_captive import hangs_in_c as do; do()",
        "from effbench_captive import stops_itself as do; do()",
        "from effbench_captive import prints_for_ever as do; do()",
        "channel.command()",
    ],
)
def test_who_does_not_answer_is_ended(asked, script: str) -> None:
    assert asked(script, timeout=3) == "encoder 'e': no answer in 3 s (it was ended)"


def test_who_does_not_read_holds_nobody(monkeypatch) -> None:
    monkeypatch.setattr(workers, "PROGRAM", ("-c", "import time; time.sleep(600)"))
    worker = Worker("encoder 'e'", 1, None)
    with pytest.raises(WorkerError, match="no answer in 1 s"):
        worker.ask("warm", Warm, 1, texts=["x" * LARGEST])
    worker.end()
    assert not psutil.pid_exists(worker.pid)


def test_commands_may_hold_paths_that_are_no_utf8(asked) -> None:
    found = asked(answer('{"first_ms": 2}'), path="a\udcff")
    assert found == First(2.0)
