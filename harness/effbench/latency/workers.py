"""Worker processes as a session sees them: starting, asking, waiting, ending, environment."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import msgspec
import psutil

from effbench.api.errors import EffbenchError
from effbench.latency.replies import Reply
from effbench.machine.linux import text, tried
from effbench.making.channel import LARGEST, MARK, Outside, parse_envelope
from effbench.making.environment import SAFE, environment
from effbench.making.leftovers import end_group
from effbench.text.raised import LONGEST

R = TypeVar("R", bound=Reply)

PROGRAM = (*SAFE, "-m", "effbench.latency.worker")
"""Python's arguments. The current folder is on a worker's path only if it is on ours."""

NOISE, TAIL = 2**24, 2**14
"""Bytes of a worker's standard error: those kept, and those at the end with its last line."""

WORDY = 2000
"""Characters of a worker's error that are kept. Messages of effbench may be long."""

MEMORY = re.compile(
    "MemoryError|OutOfMemory|out of memory|can't allocate memory|Cannot allocate memory"
)


class WorkerError(EffbenchError):
    """A worker has crashed, hangs or was killed."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        """Take the message; a ``passing`` error may come from a lack of memory just then."""
        super().__init__(message)
        self.passing = passing


class Worker:
    """A fresh process that holds one row."""

    def __init__(self, who: str, threads: int, cpus: Sequence[int] | None) -> None:
        """Start the process of the row ``who``, on ``cpus`` (None: on any).

        Raises:
            WorkerError: the system has no room for another process.

        """
        self._who, self.mark, self._cut = who, secrets.token_hex(8), 0
        with contextlib.ExitStack() as undo:
            try:
                self._errors = undo.enter_context(tempfile.TemporaryFile())
                self._process = undo.enter_context(self._started(threads))
                undo.callback(self._process.kill)
                self._channel = Outside(
                    cast("IO[bytes]", self._process.stdin),
                    cast("IO[bytes]", self._process.stdout),
                    self.mark,
                )
            except (OSError, RuntimeError) as error:  # no more files, processes or threads
                raise WorkerError(f"{who}: no process: {error}", passing=True) from error
            undo.pop_all()
        self.pid = self._process.pid
        if cpus:
            with contextlib.suppress(OSError):  # a container may forbid it
                os.sched_setaffinity(self.pid, cpus)

    def _started(self, threads: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable or "python3", *PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**environment(threads), MARK: self.mark},
            start_new_session=True,
        )

    def ask(self, command: str, reply: type[R], timeout: float, **options: Any) -> R:
        """Send a command and return the worker's answer, which must be a ``reply``.

        Raises:
            WorkerError: the worker has ended, does not answer in ``timeout`` seconds, or sends
                something that is no answer.

        """
        token = secrets.token_hex(8)
        self._channel.send({"to": token, "do": command, **options})
        try:
            line = self._channel.line(timeout, self._cut_noise)
        except queue.Empty:
            raise WorkerError(
                f"{self._who}: no answer in {timeout:g} s (it was ended)"
            ) from None
        self._cut_noise()
        if not line.endswith(b"\n") and len(line) < LARGEST:  # it ended, perhaps in mid-line
            raise self._ended()
        envelope = parse_envelope(line, token)
        if envelope is None:
            raise WorkerError(
                f"{self._who}: something wrote {line[:40]!r} into the pipe of its worker's "
                "answers (a plugin writes into files of its own)"
            )
        if envelope.failed:
            raise self._failed(envelope.failed, named=envelope.named)
        try:
            answer = msgspec.json.decode(envelope.reply, type=reply)
        except (ValueError, RecursionError) as error:
            raise WorkerError(f"{self._who}: {command} gave no answer: {error}") from error
        if not answer.fits(options):
            raise WorkerError(f"{self._who}: {command} gave not one answer for each query")
        return answer

    @property
    def resident_bytes(self) -> int:
        """Memory of the process; 0 if it has ended, or if the system does not tell."""
        return tried(lambda: int(psutil.Process(self.pid).memory_info().rss), 0)

    def end(self) -> None:
        """End the process and its group; `end_leftovers` ends processes that left the group."""
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        end_group(self._process)
        self._channel.clear()
        self._errors.close()

    def _cut_noise(self) -> None:
        """Empty the file of standard error when it is large: it takes room on a disk."""
        with contextlib.suppress(OSError):
            size = os.fstat(self._errors.fileno()).st_size
            if size - self._cut > NOISE:  # the worker goes on writing at the old position
                os.ftruncate(self._errors.fileno(), 0)
                self._cut = size

    def _failed(self, why: str, *, named: bool) -> WorkerError:
        passing = bool(MEMORY.search(why))
        if named:
            return WorkerError(why[:WORDY], passing=passing)
        why = why.removeprefix(f"{self._who}: ")[:WORDY]
        return WorkerError(f"{self._who}: ended with code 1: {why}", passing=passing)

    def _ended(self) -> WorkerError:
        """Return the error of a worker that ended without an answer, with its last line."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code, last = self._process.returncode, ""
        with contextlib.suppress(OSError):
            size = self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(size - TAIL, 0))
            lines = self._errors.read(TAIL).decode(errors="replace").strip("\0\n ").split("\n")
            last = " ".join(lines[-1].split())[:LONGEST]
        how = "closed the pipe of its answers" if code is None else f"ended with code {code}"
        if code is not None and code < 0:
            how = f"killed by signal {-code}"
        return WorkerError(
            f"{self._who}: {how}{last and ': '}{last}", passing=code == -signal.SIGKILL
        )


def worker_cpus(threads: int) -> list[int] | None:
    """Return processors for the workers to stay on, one for each core; None if that cannot be.

    Return the fastest ones. Of equally fast ones return the last, since interrupts go to the
    first.
    """
    if not hasattr(os, "sched_getaffinity"):  # macOS and Windows lack it
        return None
    cores = {}
    for cpu in sorted(tried(lambda: os.sched_getaffinity(0), set())):
        place = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores[text(place) or cpu] = cpu
    chosen = sorted(cores.values(), key=lambda cpu: (_speed(cpu), cpu))[-threads:]
    return sorted(chosen) if len(chosen) == threads else None


def _speed(cpu: int) -> int:
    """Return a processor's relative speed; 0 where the system does not tell."""
    for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        with contextlib.suppress(OSError, ValueError):
            return int(Path(f"/sys/devices/system/cpu/cpu{cpu}/{name}").read_text())
    return 0
