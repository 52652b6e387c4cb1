"""Worker processes as a session sees them: started, asked, timed out, ended."""

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
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import msgspec
import psutil

from effbench.api.errors import EffbenchError
from effbench.guard import processes
from effbench.latency.channel import LARGEST, MARK, Outside, opened
from effbench.latency.replies import Reply
from effbench.machine.linux import text, tried
from effbench.text.raised import LONGEST

R = TypeVar("R", bound=Reply)

_SAFE = ["-P"] if sys.version_info >= (3, 11) else []
PROGRAM = (*_SAFE, "-m", "effbench.latency.worker")
"""Python's arguments. The folder that we are in is on a worker's path if it is on ours only."""

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""What libraries read when they are imported."""

NOISE, TAIL = 2**24, 2**14
"""Bytes of what a worker prints that are kept, and those of which its last line is taken."""

WORDY = 2000
"""Characters that a worker may say of its failure: what we word ourselves may be long."""

MEMORY = re.compile(
    "MemoryError|OutOfMemory|out of memory|can't allocate memory|Cannot allocate memory"
)


class WorkerError(EffbenchError):
    """A worker has crashed, hangs or was killed."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        """Say what happened; ``passing``: maybe for a lack of memory just then."""
        super().__init__(message)
        self.passing = passing


class Worker:
    """A fresh process that holds one row."""

    def __init__(self, who: str, threads: int, cpus: Sequence[int] | None) -> None:
        """Start it.

        Raises:
            WorkerError: the system has no room for it.

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
            except (OSError, RuntimeError) as error:  # no file, process or thread
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

    def ask(self, what: str, reply: type[R], timeout: float, **options: Any) -> R:
        """Return the worker's answer, of the type that it must have.

        Raises:
            WorkerError: it has ended, does not answer in time, or what came is no answer.

        """
        token = secrets.token_hex(8)
        self._channel.send({"to": token, "do": what, **options})
        try:
            line = self._channel.line(timeout, self._cut_noise)
        except queue.Empty:
            raise WorkerError(
                f"{self._who}: no answer in {timeout:g} s (it was ended)"
            ) from None
        self._cut_noise()
        if not line.endswith(b"\n") and len(line) < LARGEST:  # it has ended, perhaps in a line
            raise self._ended()
        envelope = opened(line, token)
        if envelope is None:
            raise WorkerError(
                f"{self._who}: something wrote {line[:40]!r} into the pipe of its worker's "
                "answers (a plugin writes into files of its own)"
            )
        if envelope.failed:
            raise self._failed(envelope.failed, named=envelope.named)
        try:
            found = msgspec.json.decode(envelope.reply, type=reply)
        except (ValueError, RecursionError) as error:
            raise WorkerError(f"{self._who}: {what} gave no answer: {error}") from error
        if not found.fits(options):
            raise WorkerError(f"{self._who}: {what} gave not one answer for each query")
        return found

    @property
    def resident_bytes(self) -> int:
        """Memory of the process; 0 when it has ended, or the system does not tell."""
        return tried(lambda: int(psutil.Process(self.pid).memory_info().rss), 0)

    def end(self) -> None:
        """End the process and its group; `sweep` ends what has left the group."""
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        if hasattr(os, "killpg"):
            with contextlib.suppress(OSError):  # all gone
                os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # a broken disk may hold it
            self._process.wait(5)
        self._channel.clear()
        self._errors.close()

    def _cut_noise(self) -> None:
        """Forget what was printed, when it is much: it lies on a disk."""
        with contextlib.suppress(OSError):
            size = os.fstat(self._errors.fileno()).st_size
            if size - self._cut > NOISE:  # it is written further where it stood
                os.ftruncate(self._errors.fileno(), 0)
                self._cut = size

    def _failed(self, why: str, *, named: bool) -> WorkerError:
        passing = bool(MEMORY.search(why))
        if named:
            return WorkerError(why[:WORDY], passing=passing)
        why = why.removeprefix(f"{self._who}: ")[:WORDY]
        return WorkerError(f"{self._who}: ended with code 1: {why}", passing=passing)

    def _ended(self) -> WorkerError:
        """Return how a worker has ended that could not say why, with its last words."""
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


def sweep(workers: Iterable[Worker]) -> None:
    """End what workers that have ended left behind, whatever group it is in.

    It carries their mark in its environment, as their forks and the programs do that they
    have started.
    """
    marks = {worker.mark for worker in workers}
    for _ in range(5):  # it may be starting more
        left = [one for one in _everyone() if _mark_of(one) in marks]
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.Error, OSError):
                process.kill()
        tried(partial(psutil.wait_procs, left, 1), None)


def _everyone() -> list[psutil.Process]:
    return tried(lambda: list(psutil.process_iter()), [])


def _mark_of(process: psutil.Process) -> str | None:
    """Return the mark of the worker that a process belongs to; None if it is nobody's."""
    return tried(lambda: process.environ().get(MARK), None)


def environment(threads: int) -> Mapping[str, str]:
    """Return what a worker's environment is: ours, without torchrun's, and with its threads."""
    ours = {name: value for name, value in os.environ.items() if name not in processes.TOLD}
    return {
        **ours,
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
        "OMP_WAIT_POLICY": "PASSIVE",  # who waits leaves the processor to others
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": os.pathsep.join(os.fspath(path or Path.cwd()) for path in sys.path),
    }


def own_cpus(threads: int) -> list[int] | None:
    """Return processors for the workers to stay on, one a core; None where that cannot be.

    The fastest ones, of those the last: interrupts come to the first.
    """
    if not hasattr(os, "sched_getaffinity"):  # not on macOS, nor on Windows
        return None
    cores = {}
    for cpu in sorted(tried(lambda: os.sched_getaffinity(0), set())):
        place = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores[text(place) or cpu] = cpu
    chosen = sorted(cores.values(), key=lambda cpu: (_speed(cpu), cpu))[-threads:]
    return sorted(chosen) if len(chosen) == threads else None


def _speed(cpu: int) -> int:
    """Return how fast a processor is beside the others; 0 where the system does not tell."""
    for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        with contextlib.suppress(OSError, ValueError):
            return int(Path(f"/sys/devices/system/cpu/cpu{cpu}/{name}").read_text())
    return 0
