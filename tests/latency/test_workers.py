"""What comes out of a worker's pipe, or does not: an answer, or one line of its row."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from effbench.latency import workers
from effbench.latency.replies import First
from effbench.latency.workers import Worker, WorkerError
from made_workers import FAKE, answer


def test_what_is_printed_does_not_fill_the_disk(monkeypatch) -> None:
    monkeypatch.setattr(workers, "NOISE", 1000)
    script = "os.write(2, b'x' * 5000)\n" + answer('{"first_ms": 2}')
    script += "\nchannel.command()\nos.write(2, b'\\nlast words\\n'); os._exit(4)"
    monkeypatch.setattr(workers, "PROGRAM", ("-c", FAKE + script))
    worker = Worker("encoder 'e'", 1, None)
    worker.ask("first", First, 60)
    assert os.fstat(worker._errors.fileno()).st_blocks == 0
    with pytest.raises(WorkerError, match="ended with code 4: last words"):
        worker.ask("first", First, 60)
    worker.end()


def test_no_interpreter_fails_the_row(monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(WorkerError, match=r"encoder 'e': no process: .*/nowhere/python"):
        Worker("encoder 'e'", 1, None)


def test_paths_of_modules_may_be_any_path(monkeypatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, Path("a")])
    assert workers.environment(1)["PYTHONPATH"].endswith(f"{os.pathsep}a")
