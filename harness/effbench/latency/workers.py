"""Worker processes as a session sees them: started, asked, timed out, ended."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import psutil
from filelock import FileLock, Timeout

from effbench import processes
from effbench.blame import PluginError
from effbench.errors import EffbenchError

if TYPE_CHECKING:
    from effbench.progress import Progress

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

OURS, NAMED = (f"{one.__module__}.{one.__name__}: " for one in (EffbenchError, PluginError))
"""How a traceback ends that says what is wrong, or who was it too."""


class WorkerError(EffbenchError):
    """A worker has crashed, hangs or was killed."""


class Worker:
    """A fresh process that holds one row."""

    def __init__(self, who: str, threads: int, cpus: Sequence[int] | None) -> None:
        self._who = who
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it ends
        self._process = subprocess.Popen(
            [sys.executable, "-m", "effbench.latency.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment(threads),
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._input = cast("IO[str]", self._process.stdin)
        self._output = cast("IO[str]", self._process.stdout)
        if cpus:
            with contextlib.suppress(OSError):  # a container may forbid it
                os.sched_setaffinity(self.pid, cpus)
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def ask(self, what: str, timeout: float, **options: Any) -> Any:
        """Return the worker's answer.

        Raises:
            WorkerError: it has ended, or does not answer in time; it is killed then.

        """
        try:
            self._input.write(json.dumps({"do": what, **options}) + "\n")
            self._input.flush()
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            self.end()
            raise WorkerError(
                f"{self._who}: no answer in {timeout:g} s (it was ended)"
            ) from None
        except OSError:
            line = ""
        if not line.endswith("\n"):  # it has ended, perhaps in the midst of an answer
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            raise WorkerError(self._last_words())
        return json.loads(line)

    @property
    def resident_bytes(self) -> int:
        """Memory of the process; 0 when it has ended."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def end(self) -> None:
        """End the process and whatever it has started."""
        with contextlib.suppress(OSError):
            self._input.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        if hasattr(os, "killpg"):
            with contextlib.suppress(OSError):  # all gone
                os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._listener.join(1)
        if not self._listener.is_alive():  # a reader that waits holds the file
            self._output.close()
        self._errors.close()

    def _listen(self) -> None:
        for line in self._output:
            self._lines.put(line)
        self._lines.put("")

    def _last_words(self) -> str:
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        code = self._process.returncode
        how = f"killed by signal {-code}" if code and code < 0 else f"ended with code {code}"
        last = said[-1].strip() if said else ""
        if last.startswith(NAMED):
            return last.removeprefix(NAMED)
        last = last.removeprefix(OURS).removeprefix(f"{self._who}: ")
        return f"{self._who}: {how}{last and ': '}{last}"


def environment(threads: int) -> Mapping[str, str]:
    """Return what a worker's environment is: ours, without torchrun's, and with its threads."""
    ours = {name: value for name, value in os.environ.items() if name not in processes.TOLD}
    return {
        **ours,
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
        "OMP_WAIT_POLICY": "PASSIVE",  # who waits leaves the processor to others
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


def own_cpus(threads: int) -> list[int] | None:
    """Return processors for the workers to stay on, one a core; None where that cannot be.

    The fastest ones, of those the last: interrupts come to the first.
    """
    if not hasattr(os, "sched_getaffinity"):  # not on macOS, nor on Windows
        return None
    cores = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        place = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores[place.read_text() if place.is_file() else cpu] = cpu
    chosen = sorted(cores.values(), key=lambda cpu: (_speed(cpu), cpu))[-threads:]
    return sorted(chosen) if len(chosen) == threads else None


def _speed(cpu: int) -> int:
    """Return how fast a processor is beside the others; 0 where the system does not tell."""
    for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        with contextlib.suppress(OSError, ValueError):
            return int(Path(f"/sys/devices/system/cpu/cpu{cpu}/{name}").read_text())
    return 0


@contextlib.contextmanager
def exclusive(progress: Progress) -> Iterator[None]:
    """Be the only session on this machine."""
    lock = FileLock(Path(tempfile.gettempdir()) / "effbench-latency.lock", mode=0o666)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress.note("latency: another session measures on this machine, waiting")
        lock.acquire()
    except OSError as error:  # another user's
        progress.note(f"latency: no lock ({error}): other sessions may run beside this one")
    try:
        yield
    finally:
        lock.release()
