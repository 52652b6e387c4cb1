"""A worker process as the main process sees it: starting, asking, limits, ending."""

from __future__ import annotations

import contextlib
import queue
import re
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from time import monotonic
from typing import IO, Any, NamedTuple, TypeVar, cast

import msgspec

from effbench.api.errors import EffbenchError
from effbench.guard.interruption import NUMBERS
from effbench.machine.linux import total_bytes
from effbench.making.channel import LOOK_SECONDS, MARK, Outside, parse_envelope
from effbench.making.environment import SAFE, inherited
from effbench.making.leftovers import end_group, end_leftovers
from effbench.making.memory import memory_of
from effbench.making.messages import Event
from effbench.making.watched import Watched
from effbench.text.words import counted, lasting, sized
from effbench.work.progress import Progress

R = TypeVar("R", bound=msgspec.Struct)

PROGRAM = (*SAFE, "-m", "effbench.making.worker")

END_SECONDS = 60.0
"""The time that a worker has to save a training after a signal."""

OF_MEMORY = 0.95
"""The share of the machine's memory that a worker may take if the user names no limit."""

MOST_LINES, LONGEST = 1_000, 1_000
"""Lines of a worker's output that are shown of an order, and characters of a line."""


class Limits(NamedTuple):
    """What a call into a plugin may take before its worker is ended."""

    seconds: float
    """The longest time without progress."""

    nbytes: int
    """The most memory of a worker with the processes that it has started, in bytes."""

    mend: str = "--patience gives it longer"
    """What the user can do about a worker that is ended without progress."""

    @classmethod
    def of(cls, seconds: float, nbytes: int | None) -> Limits:
        """Return limits; memory None is the default share of this machine's memory."""
        return cls(seconds, nbytes or round(OF_MEMORY * total_bytes()))


class Died(EffbenchError):
    """A worker has ended, or was ended, before it answered.

    The message continues a sentence that begins with "its worker process".
    """


class Gone(Died):
    """A worker has no place any more: its node has left the cluster."""


class Process:
    """A worker process: it plans a suite, and then makes steps."""

    def __init__(self, threads: int | None, progress: Progress) -> None:
        """Start it; what it prints goes to ``progress``."""
        self._mark = mark = secrets.token_hex(8)
        self._process = subprocess.Popen(
            [sys.executable or "python3", *PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**inherited(threads), MARK: mark},
            start_new_session=True,  # Ctrl-C goes to the main process alone
        )
        pipes = self._process.stdin, self._process.stdout
        self._channel = Outside(*cast("tuple[IO[bytes], IO[bytes]]", pipes), mark)
        self._output = _Output(cast("IO[bytes]", self._process.stderr), progress.note)
        self._progress, self._token = progress, ""

    def send(self, command: str, **arguments: Any) -> None:
        """Send a command, whose answer `answer` awaits."""
        self._token = secrets.token_hex(8)
        self._output.begin()
        plain = msgspec.to_builtins(arguments)
        self._channel.send({"to": self._token, "do": command, **plain})

    def answer(self, reply: type[R], limits: Limits) -> R:
        """Return the answer to the last command; show its events meanwhile.

        Raises:
            Died: there will be no answer, or a limit is reached.

        """
        moved = looked = monotonic()
        with Watched(self._progress) as watched:
            while True:
                line = self._line()
                now = monotonic()
                if line is not None:
                    moved = now
                    envelope = parse_envelope(line, self._token)
                    if envelope is None:
                        raise self._no_answer(line)
                    if envelope.failed:
                        raise Died(f"failed: {envelope.failed}")
                    if envelope.reply:
                        return msgspec.json.decode(envelope.reply, type=reply)
                    watched.take(msgspec.json.decode(envelope.event, type=Event))
                if now - looked >= LOOK_SECONDS:
                    looked = now
                    self._check(limits, now - moved)

    @property
    def alive(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    def end(self, *, soft: bool = False) -> None:
        """End the process and its group; with ``soft``, a training may first save its work."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if soft:  # while its commands are open, the worker does not end by itself
                self._output.mute()
                self._process.terminate()
                self._process.wait(END_SECONDS)
            self._channel.close()
            self._process.wait(0.5)
        end_group(self._process)
        end_leftovers({self._mark})
        self._channel.close()
        self._channel.clear()
        self._output.end()

    def _line(self) -> bytes | None:
        """Return the next line; None if there is none in `LOOK_SECONDS`."""
        try:
            return self._channel.line(LOOK_SECONDS, lambda: None)
        except queue.Empty:
            return None

    def _check(self, limits: Limits, still: float) -> None:
        """Raise `Died` if a limit is reached."""
        if still > limits.seconds:
            raise Died(f"made no progress for {lasting(still)} (it was ended; {limits.mend})")
        taken = memory_of(self._process.pid, limits.nbytes)
        if taken > limits.nbytes:
            raise Died(
                f"took {sized(taken)} of memory, more than {sized(limits.nbytes)} "
                "(it was ended; --memory gives it more)"
            )

    def _no_answer(self, line: bytes) -> Died:
        """Return the error for the end of the answers, or for a line that is no answer."""
        if line.endswith(b"\n"):
            return Died(
                f"sent {line[:40]!r} (a plugin wrote it into the pipe of the answers: "
                "it must write into files of its own)"
            )
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        if code is None:
            how = "closed the pipe of its answers"
        elif code < 0:
            how = f"was killed by signal {-code}"
            if -code == signal.SIGKILL:
                how += " (was there too little memory?)"
            elif -code in {int(known) for known in signal.Signals}:
                name = signal.Signals(-code).name
                how += f" ({name}; with PYTHONFAULTHANDLER=1 the run shows where)"
        elif code - 128 in NUMBERS:
            how = f"was interrupted by signal {code - 128}"
        else:
            how = f"ended with exit code {code} (a plugin must raise an error instead)"
        last = self._output.last()
        return Died(f"{how}{last and ': '}{last}")


class _Output:
    """The output of a worker, line by line; of each command only so many lines are shown."""

    def __init__(self, stream: IO[bytes], note: Callable[[str], object]) -> None:
        self._stream, self._note = stream, note
        self._lines, self._last = 0, ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Begin a new command."""
        self._lines = 0

    def mute(self) -> None:
        """Show no more lines."""
        self._lines = MOST_LINES

    def last(self) -> str:
        """Return the last line of a process that has ended; "" without one."""
        self._thread.join(1)
        return self._last

    def end(self) -> None:
        """Close the stream of a process that has ended."""
        self._thread.join(1)
        if not self._thread.is_alive():
            self._stream.close()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while raw := self._stream.readline(LONGEST):
                for line in re.split("[\r\n]+", raw.decode(errors="replace")):
                    if line.strip():
                        self._show(line)

    def _show(self, line: str) -> None:
        self._last = " ".join(line.split())
        self._lines += 1
        if self._lines < MOST_LINES:
            self._note(line)
        elif self._lines == MOST_LINES:
            self._note(f"{counted(MOST_LINES, 'lines')} of output; the rest is left out")
