"""Encoders that misbehave in their latency worker: when a query comes alone."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
from effbench_toy import WordsQueries

import effbench


@effbench.hookimpl
def effbench_encoders():
    return {"captive": CaptiveQueries}


def note(pid):
    """Say which process was started, where a test asks for it."""
    if "CAPTIVE_LOG" in os.environ:
        with Path(os.environ["CAPTIVE_LOG"]).open("a") as log:
            log.write(f"{pid}\n")


def forks():
    """Fork, and let the child go on as if it were the worker."""
    os.fork()


def leaves_a_fork():
    if not (child := os.fork()):
        time.sleep(600)
        os._exit(0)
    note(child)


def leaves_a_daemon():
    """Start what leaves the group and whose parent is gone."""
    script = "import os, time; os.setsid(); os.fork() and os._exit(0); time.sleep(600)"
    script = script.replace("time.sleep", "print(os.getpid(), flush=True); time.sleep")
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as started:
        note(int(started.stdout.readline()))
        started.stdout.close()


def leaves_a_pool():
    def wait():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)

    one = multiprocessing.get_context("fork").Process(target=wait)
    one.start()
    note(one.pid)


def reads_what_comes_in():
    subprocess.run(["cat"], check=True, stdout=subprocess.DEVNULL)


def writes_to_every_file():
    for number in range(3, 1024):
        with contextlib.suppress(OSError):
            os.write(number, b'{"to": "", "said": NaN}\n')


def prints_what_answers_look_like():
    os.write(1, b'{"to": "", "said": {"first_ms": 1}}\n{"half')
    print({"first_ms": 1}, flush=True)  # noqa: T201


def prints_much():
    for stream in (sys.stdout, sys.stderr):
        stream.write("x" * 8_000_000)
        stream.flush()


def closes_files():
    os.closerange(0, 1024)


def patches():
    """Replace what a careless program would go on to use."""
    json.dumps = json.loads = json.JSONEncoder.encode = None
    time.perf_counter_ns = time.perf_counter = time.monotonic = lambda: 0
    sys.stdin = sys.stdout = sys.stderr = None
    os.write = os.getpid = os._exit = gc.collect = None
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def stops_itself():
    os.kill(os.getpid(), signal.SIGSTOP)


def hangs_in_c():
    """Keep the interpreter, deaf to every signal that can be caught."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    re.match(r"(a+)+$", "a" * 60 + "b")


def prints_for_ever():
    while True:
        os.write(2, b"again and again\n" * 4096)


def is_killed_once():
    """Be killed, as by a system without memory, but not the next time."""
    with contextlib.suppress(FileExistsError):
        Path(os.environ["CAPTIVE_ONCE"]).touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)


def segfaults():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.write(2, b"\x1b]0;title\x07last words\x1b[31m" + b"!" * 100_000 + b"\n")
    ctypes.string_at(0)


def exits():
    sys.exit(0)


def really_exits():
    os._exit(0)


def asks_for_too_much():
    raise MemoryError


def interrupts():
    raise KeyboardInterrupt


def kills_its_neighbours():
    """Take the others along, as a system without memory does; never the first time."""
    me, once = psutil.Process(), Path(os.environ["CAPTIVE_ONCE"])
    for one in me.parent().children() if once.exists() else ():
        if one != me and one.name().startswith("python"):
            one.kill()
    once.touch()
    me.kill()


def nothing():
    pass


def raises_in_a_thread():
    def fail():
        raise RuntimeError("of no importance")

    started = threading.Thread(target=fail)
    started.start()
    started.join()


DEEDS = {
    deed.__name__.replace("_", "-"): deed
    for deed in (
        forks, leaves_a_fork, leaves_a_daemon, leaves_a_pool, reads_what_comes_in,
        writes_to_every_file, prints_what_answers_look_like, prints_much, closes_files, patches,
        stops_itself, hangs_in_c, prints_for_ever, segfaults, exits, really_exits,
        asks_for_too_much, interrupts, raises_in_a_thread, is_killed_once,
        kills_its_neighbours, nothing,
    )
}  # fmt: skip


class CaptiveQueries(WordsQueries):
    """Hashed words; does something when a query comes alone for the ``at``-th time."""

    def __init__(self, *, does: str, at: int = 1) -> None:
        super().__init__()
        self.does, self.left = DEEDS[does], at

    def encode_queries(self, queries):
        if len(queries) == 1:
            self.left -= 1
            if self.left == 0:
                self.does()
        return super().encode_queries(queries)
