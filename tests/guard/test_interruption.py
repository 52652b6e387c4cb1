"""SIGTERM, SIGHUP and Ctrl-C end a run in order; it leaves nothing, and goes on later."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from altered import altered
from made_processes import MAIN, environment

FRESH = (  # the tests may run under nohup, or behind a shell that lets Ctrl-C be ignored
    "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
    "signal.signal(signal.SIGINT, signal.default_int_handler); "
)
SAID = "Interrupted: what is finished is kept, run again to go on."
SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  words: {use: words}
  stop: {use: stopping, does: DOES}
indexes: {plain: {use: plain}}
latency: false
"""
TRAINED = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
models: {steps: {use: stopping}}
encoders: {trained: {use: stopping-model, model: steps}}
indexes: {plain: {use: plain}}
latency: false
"""
pytestmark = pytest.mark.timeout(120)

in_both = pytest.mark.parametrize("in_process", ["1", "0"])
"""With the steps in the process of the run, and in a worker process."""


class Run:
    """A command in a process of its own, told of by the log of `effbench_stopping`."""

    def __init__(self, folder: Path, *arguments: object, ignoring: str = "") -> None:
        self.log = folder / "log"
        before = FRESH + (
            f"signal.signal(signal.{ignoring}, signal.SIG_IGN); " * bool(ignoring)
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", before + MAIN, *map(str, arguments)],
            cwd=folder,
            env=environment(
                STOPPING_LOG=str(self.log), TOY_LOG=str(self.log), TMPDIR=str(folder)
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def wait_for(self, ready: Callable[[], bool]) -> Run:
        while not ready():
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)
        return self

    def ready(self, line: str = "ready") -> Run:
        return self.wait_for(lambda: line in self.lines())

    def send(self, number: int = signal.SIGTERM) -> Run:
        self.process.send_signal(number)
        return self

    def ended(self) -> tuple[int, str]:
        _, said = self.process.communicate()
        assert "Traceback" not in said
        return self.process.returncode, said.splitlines()[-1] if said else ""


@pytest.fixture
def start(tmp_path: Path, suite) -> Iterator[Callable[..., Run]]:
    runs = []

    def begin(command: str, text: str, *arguments: object, **options: str) -> Run:
        runs.append(Run(tmp_path, command, suite(text), *arguments, **options))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.wait()
        run.process.stderr.close()


def hidden(folder: Path) -> list[Path]:
    """Return the temporary files and folders that are left."""
    return [path for path in folder.rglob(".*") if path.suffix != ".lock"]


@pytest.mark.parametrize(("name", "code"), [("SIGHUP", 129), ("SIGINT", 130)])
def test_other_signals_do_the_same(start, tmp_path: Path, name: str, code: int) -> None:
    run = start("run", altered(SUITE, "DOES", "waits")).ready()
    assert run.send(getattr(signal, name)).ended() == (code, SAID)
    assert not hidden(tmp_path)


def test_a_run_that_was_asked_to_end_goes_on_where_it_stood(start, tmp_path: Path) -> None:
    run = start("run", altered(SUITE, "DOES", "waits")).ready()
    assert run.send().ended() == (143, SAID)
    assert not hidden(tmp_path)
    assert len([line for line in run.lines() if line.startswith("encoded")]) == 1
    again = start("run", altered(SUITE, "DOES", "nothing"))
    code, said = again.ended()
    assert (code, said[:27]) == (0, "1 cell done, 1 finished alr")
    assert len([line for line in run.lines() if line.startswith("encoded")]) == 2


def test_a_training_that_is_exported_goes_on_where_it_stood(start, tmp_path: Path) -> None:
    run = start("export", TRAINED, "trained", "made").ready()
    assert run.send().ended() == (143, SAID)
    assert not hidden(tmp_path)
    assert not (tmp_path / "made").exists()
    assert start("export", TRAINED, "trained", "made").ended()[0] == 0
    assert [one for one in run.lines() if "from" in one] == [f"training from {n}" for n in "02"]
    assert (tmp_path / "made" / "width.txt").exists()


def test_latency_workers_end_too(start, tmp_path: Path) -> None:
    text = altered(SUITE, "{use: stopping, does: DOES}", "{use: captive, does: hangs-in-c}")
    text = altered(text, "hangs-in-c", "hangs-in-c, passages: words")
    text = altered(text, "latency: false", "latency: {queries: 11, warmup: 6, processes: 1}")
    run = start("latency", text, "--results", "r")
    us, workers = psutil.Process(run.process.pid), list[psutil.Process]()

    def started() -> bool:
        workers[:] = us.children()
        return len(workers) == 3

    assert run.wait_for(started).send().ended() == (143, SAID)
    assert not any(one.is_running() for one in workers)
    assert not hidden(tmp_path / "r")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell no child")
def test_latency_workers_die_with_a_run_that_is_killed(start) -> None:
    text = altered(SUITE, "{use: stopping, does: DOES}", "{use: captive, does: hangs-in-c}")
    text = altered(text, "hangs-in-c", "hangs-in-c, passages: words")
    text = altered(text, "latency: false", "latency: {queries: 11, warmup: 6, processes: 1}")
    run = start("latency", text, "--results", "r")
    us, workers = psutil.Process(run.process.pid), list[psutil.Process]()

    def busy() -> bool:
        workers[:] = us.children()
        return len(workers) == 3 and all(one.cpu_times().user > 1 for one in workers[-1:])

    run.wait_for(busy).send(signal.SIGKILL)
    assert run.process.wait() == -signal.SIGKILL
    assert not psutil.wait_procs(workers, 30)[1]


@in_both
def test_a_second_signal_ends_at_once(start, monkeypatch, in_process) -> None:
    monkeypatch.setenv("EFFBENCH_IN_PROCESS", in_process)
    run = start("run", altered(SUITE, "DOES", "cleans for ever")).ready().send()
    run.ready("cleaning")
    while run.process.poll() is None:
        run.send()  # as soon as it counts as another one
        time.sleep(0.1)
    assert run.ended() == (143, SAID)


FULL = """\
import os, signal, sys, threading, time
from effbench.guard import interruption
os.set_blocking(2, False)
try:
    while True:
        os.write(2, b"much")
except BlockingIOError:
    os.set_blocking(2, True)
threading.Thread(target=lambda: sys.stderr.write("more\\n"), daemon=True).start()
time.sleep(0.5)  # it holds the stream's lock now
interruption.end_at_once(signal.SIGTERM)
"""


def test_who_must_end_at_once_waits_for_no_reader() -> None:
    """As after `effbench run 2>&1 | less`: the pipe is full, and a thread waits to write."""
    with subprocess.Popen([sys.executable, "-c", FULL], stderr=subprocess.PIPE) as process:
        try:
            assert process.wait(30) == 143
        finally:
            process.kill()


@in_both
def test_code_in_c_that_hears_nothing_is_ended(start, monkeypatch, in_process) -> None:
    monkeypatch.setenv("EFFBENCH_IN_PROCESS", in_process)
    run = start("run", altered(SUITE, "DOES", "is deaf")).ready()
    assert run.send().ended() == (143, SAID)


@in_both
def test_who_can_keep_its_work_is_asked_to(start, monkeypatch, in_process) -> None:
    monkeypatch.setenv("EFFBENCH_IN_PROCESS", in_process)
    run = start("run", altered(SUITE, "DOES", "keeps its work")).ready()
    assert run.send().ended() == (143, SAID)
    assert run.lines()[-1] == "kept"


def test_who_never_asks_is_ended(start) -> None:
    run = start("run", altered(SUITE, "DOES", "never asks")).ready()
    assert run.send().ended() == (143, SAID)


def test_a_plugin_that_swallows_an_interrupt_does_not_go_on(start) -> None:
    run = start("run", altered(SUITE, "DOES", "swallows")).ready()
    assert run.send().ended() == (143, SAID)
    assert "swallowed" in run.lines()


@in_both
def test_processes_of_plugins_end_too(start, monkeypatch, in_process) -> None:
    monkeypatch.setenv("EFFBENCH_IN_PROCESS", in_process)
    run = start("run", altered(SUITE, "DOES", "starts children")).ready()
    us = psutil.Process(run.process.pid)
    children = us.children(recursive=True)
    assert len(children) >= 4
    assert run.send().ended() == (143, SAID)
    assert not psutil.wait_procs(children, 30)[1]


def test_a_forked_child_is_ended_alone(start) -> None:
    run = start("run", altered(SUITE, "DOES", "ends a fork"))
    assert run.ended()[0] == 0
    assert "fork ended with -15" in run.lines()


def test_what_is_ignored_stays_ignored(start) -> None:
    """As under nohup."""
    run = start("run", altered(SUITE, "DOES", "waits"), ignoring="SIGHUP").ready()
    run.send(signal.SIGHUP).send(signal.SIGTERM)
    assert run.ended() == (143, SAID)
