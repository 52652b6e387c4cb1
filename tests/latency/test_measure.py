"""Latency workers that misbehave: the row fails alone, in one line, and nothing is left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from altered import altered
from effbench.latency import measure, workers
from effbench.latency.samples import read_session
from made_processes import MAIN, environment

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  words: {use: words}
ROWS
indexes: {plain: {use: plain}}
latency: {queries: 11, warmup: 6, processes: 1, timeout: 60, batches: []}
"""

HARMLESS = (
    "forks", "leaves-a-fork", "leaves-a-daemon", "leaves-a-pool", "reads-what-comes-in",
    "prints-what-answers-look-like", "prints-much", "raises-in-a-thread",
)  # fmt: skip
FAILING = {
    "writes-to-every-file": 'something wrote b\'{"to": "", "said": NaN}\\n\' into the pipe',
    "closes-files": "ended with code 1",
    "patches": "ended with code 1: TypeError: 'NoneType' object is not callable",
    "segfaults": "killed by signal 11: !!!",
    "exits": "SystemExit: 0 (a plugin must not end the program: it raises an error)",
    "really-exits": "ended with code 0",
    "interrupts": "KeyboardInterrupt",
}


def with_rows(*deeds: str) -> str:
    rows = (f"  {deed}: {{use: captive, does: {deed}, passages: words}}" for deed in deeds)
    return altered(SUITE, "ROWS", "\n".join(rows))


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/toys/latency/*.npz"))


def alive(log: Path) -> list[psutil.Process]:
    """Return those whose numbers a log has that still run."""
    found = []
    for number in log.read_text().split():
        try:
            process = psutil.Process(int(number))
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.fixture
def log(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CAPTIVE_LOG", str(tmp_path / "processes"))
    return tmp_path / "processes"


def test_what_workers_do_harms_nobody_else(effbench, suite, tmp_path, log) -> None:
    text = with_rows(*HARMLESS, *FAILING)
    found = effbench("latency", suite(text), "--results", tmp_path / "r", "--json")
    assert found.exit_code == 1
    lines = {line["row"]: line for line in json.loads(found.stdout)[0]["lines"]}
    assert set(lines) == {"words", *HARMLESS}
    assert all(line["encode p50 ms"] > 0 for line in lines.values())
    assert "Traceback" not in found.stderr
    for deed, said in FAILING.items():
        start = f"FAILED toy--{deed}--plain: encoder '{deed}' (plugin captive): "
        (line,) = [one for one in found.stderr.splitlines() if one.startswith(start)]
        assert said in line
        assert len(line) < 500
    assert len(log.read_text().split()) == 3
    assert not alive(log)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(24, "Too many open files"), "no process: [Errno 24] Too many open files"),
        (BlockingIOError(11, "Resource temporarily unavailable"), "no process: [Errno 11]"),
    ],
)
def test_no_room_for_a_process_fails_the_row(
    effbench, suite, tmp_path, monkeypatch, error: OSError, said: str
) -> None:
    def full(*_, **__):
        raise error

    monkeypatch.setattr(subprocess, "Popen", full)
    found = effbench("latency", suite(with_rows()), "--results", tmp_path / "r")
    assert found.exit_code == 1
    assert f"FAILED toy--words--plain: encoder 'words' (plugin toy): {said}" in found.stderr


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 cannot")
def test_files_beside_us_are_no_modules_of_a_worker(run, tmp_path, monkeypatch) -> None:
    (tmp_path / "queue.py").write_text("raise RuntimeError")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    assert run(with_rows())[0].exit_code == 0


def test_an_interrupt_leaves_nothing(suite, tmp_path, log) -> None:
    path = suite(with_rows("leaves-a-daemon", "hangs-in-c"))
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    run = subprocess.Popen(
        [sys.executable, "-c", heard + MAIN, "latency", str(path), "--results", "r"],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not log.is_file() or len(started := psutil.Process(run.pid).children()) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith("Interrupted: ")
    assert not alive(log)
    assert not any(one.is_running() for one in started)


@pytest.fixture
def run(effbench, suite, tmp_path):
    """Run a suite's text; return the result and the sessions that are kept by now."""

    def start(text: str):
        found = effbench("run", suite(text), "--results", tmp_path / "r")
        assert "Traceback" not in found.output
        return found, kept(tmp_path / "r")

    return start


def test_a_row_that_failed_is_not_measured_again_nor_are_the_others(run, monkeypatch) -> None:
    from effbench.work import code

    text = with_rows("really-exits")
    first, made = run(text)
    second, still = run(text)
    assert (first.exit_code, second.exit_code) == (1, 1)
    assert len(made) == 1
    assert still == made
    assert (
        "FAILED toy--really-exits--plain: latency: encoder 'really-exits' (plugin captive): "
        "ended with code 0 (failed in an earlier run, not tried again; to try: effbench "
        "latency SUITE)"
    ) in second.stderr
    assert "1 cell done, 1 finished already" not in second.stderr
    real, changed = code.digest, {"effbench_captive": "another"}
    monkeypatch.setattr(code, "digest", lambda one: changed.get(one) or real(one))
    third, more = run(text)
    assert len(more) == 2, "its code has changed"
    assert "has changed since the run began" in third.stderr
    monkeypatch.undo()


def test_where_all_rows_failed_none_is_measured_again(run, monkeypatch) -> None:
    monkeypatch.setattr(workers, "PROGRAM", ("-c", "import sys; sys.exit(5)"))
    found, _ = run(with_rows())
    assert found.exit_code == 1
    assert "ended with code 5" in found.stderr, "a worker that ends at once is not waited for"
    found, made = run(with_rows())
    assert found.exit_code == 1
    assert len(made) == 1


def test_a_row_that_was_killed_is_tried_once_more_with_the_baseline(
    run, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("CAPTIVE_ONCE", str(tmp_path / "once"))
    found, (path,) = run(with_rows("is-killed-once", "nothing"))
    assert found.exit_code == 0, found.output
    assert (
        "toy--is-killed-once--plain: encoder 'is-killed-once' (plugin captive): killed by "
        "signal 9 (trying it once more)"
    ) in found.stderr
    session = read_session(path)
    processes = {
        facts.row: set(session.times(cell, "encode"))
        for cell, facts in session.header.rows.items()
    }
    assert processes == {"words": {0, 1}, "nothing": {0}, "is-killed-once": {1}}


def test_who_takes_the_baseline_along_does_not_take_what_was_measured(
    effbench, suite, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("CAPTIVE_ONCE", str(tmp_path / "once"))
    text = altered(with_rows("kills-its-neighbours", "nothing"), "bours, ", "bours, at: 30, ")
    found = effbench("latency", suite(text), "--results", tmp_path / "r")
    assert found.exit_code == 1
    (path,) = kept(tmp_path / "r")
    session = read_session(path)
    assert list(session.header.errors) == ["toy--kills-its-neighbours--plain"]
    assert "killed by signal 9" in session.header.errors["toy--kills-its-neighbours--plain"]
    assert set(session.times("toy--words--plain", "encode")) == {0}


def test_what_another_run_measured_meanwhile_is_taken(run, tmp_path, monkeypatch) -> None:
    _, (path,) = run(with_rows())
    path.rename(tmp_path / path.name)

    @contextmanager
    def waiting(_):
        (tmp_path / path.name).rename(path)  # as another run does that had the lock
        yield

    monkeypatch.setattr(measure, "exclusive", waiting)
    found, still = run(with_rows())
    assert found.exit_code == 0
    assert still == [path]
    assert "1 finished already" in found.stderr


def test_three_runs_at_once_measure_once(suite, tmp_path) -> None:
    command = [sys.executable, "-c", MAIN, "run", str(suite(with_rows()))]
    runs = [
        subprocess.Popen(
            [*command, "--results", results],
            cwd=tmp_path,
            env=environment(TMPDIR=str(tmp_path)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for results in ("r", "r", "other")
    ]
    assert [one.wait(300) for one in runs] == [0, 0, 0]
    assert len(kept(tmp_path / "r")) == 1
    assert len(kept(tmp_path / "other")) == 1, "another folder has a session of its own"


def test_a_folder_that_takes_no_session_is_found_before_measuring(run, tmp_path) -> None:
    text = with_rows()
    run(altered(text, "queries: 11, ", "queries: 11, together: 2, "))
    (path,) = kept(tmp_path / "r")
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("")
    found, _ = run(text)
    assert found.exit_code == 1
    assert (
        f"FAILED toy--words--plain: latency: {path.parent}: cannot be written: " in found.stderr
    )
    assert "blocks in" not in found.stderr


def test_a_session_that_cannot_be_kept_costs_no_other(
    effbench, suite, tmp_path, monkeypatch
) -> None:
    from effbench.latency import measure

    real = measure.write

    def full(folder, samples):
        if samples.header["dataset"] == "second":
            raise OSError(28, "No space left on device", "a/file")
        return real(folder, samples)

    monkeypatch.setattr(measure, "write", full)
    names = ("first", "second", "third")
    every = ", ".join(f"{{use: toy, name: {name}}}" for name in names)
    text = altered(with_rows(), "{use: toy}", every)
    found = effbench("latency", suite(text), "--results", tmp_path / "r", "--json")
    assert found.exit_code == 1
    assert "FAILED second--words--plain: OSError: [Errno 28] No space left" in found.stderr
    assert [path.name.split("--")[0] for path in kept(tmp_path / "r")] == ["first", "third"]
    assert len(json.loads(found.stdout)) >= 2, "they are shown"
