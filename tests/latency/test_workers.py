"""What comes out of a worker's pipe, or does not: an answer, or one line of its row."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from effbench.latency import workers
from effbench.latency.channel import LARGEST
from effbench.latency.replies import First, Reply, Timed, Warm
from effbench.latency.workers import Worker, WorkerError

FAKE = """\
import os
from effbench.latency.channel import MARK, Inside
channel = Inside(os.environ[MARK])
channel.command()
token = channel._token
def line(text):
    channel._write(text.replace("TOKEN", token).encode("utf-8", "surrogateescape"))
"""


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
            workers.sweep([worker])
            assert worker._process.returncode is not None

    return ask


def answer(reply: str, rest: str = "") -> str:
    return f"""line('{{"to":"TOKEN","reply":{reply}}}\\n'){rest}"""


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
    whole = reply.replace("REST", '"kernel_ns": [1, 1], "preempted": 0, "unlike": {}')
    assert "length <= 60" in asked(answer(whole), Timed, texts=["a"])


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


def test_commands_may_hold_paths_that_are_no_utf8(asked) -> None:
    found = asked(answer('{"first_ms": 2}'), path="a\udcff")
    assert found == First(2.0)


def test_no_interpreter_fails_the_row(monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(WorkerError, match=r"encoder 'e': no process: .*/nowhere/python"):
        Worker("encoder 'e'", 1, None)


def test_paths_of_modules_may_be_any_path(monkeypatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, Path("a")])
    assert workers.environment(1)["PYTHONPATH"].endswith(f"{os.pathsep}a")
