"""The two pipes between effbench and a worker: a line is a command, an event, or an answer.

Events tell of the work on a command, and one answer ends it. Each command carries a token, and
its events and its answer repeat it. This tells an answer from a line that a plugin has written.
Only the worker itself has its ends of the pipes: programs and forks that it starts do not
inherit them, and its standard output leads to standard error.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from json import dumps, loads
from os import _exit, close, getpid, write
from time import monotonic
from traceback import format_exception
from typing import IO, Any

import msgspec

from effbench.api.errors import EffbenchError
from effbench.guard.blame import BlamedError
from effbench.text.raised import message_of

MARK = "EFFBENCH_WORKER"
"""The environment variable that marks all processes of a worker."""

LARGEST = 16 * 2**20
"""Bytes of a line. A hundred thousand times take a tenth of this."""

LOOK_SECONDS = 1.0
"""The seconds between two calls of ``meanwhile`` while effbench waits for a line."""

AHEAD = 2
"""Lines that are read before somebody asks for them."""

_encode = msgspec.json.encode  # a plugin cannot replace parts of a function in C


class Envelope(msgspec.Struct):
    """An answer, or the reason why there is none, or an event."""

    to: str
    """The token of the command."""

    reply: msgspec.Raw = msgspec.Raw()
    failed: str = ""
    """The reason; empty when there is an answer."""

    event: msgspec.Raw = msgspec.Raw()
    """What happened on the way to the answer; empty in the envelope of an answer."""

    named: bool = False
    """Whether the reason names the plugin that caused it."""


def parse_envelope(line: bytes, token: str) -> Envelope | None:
    """Return the envelope in a line; None if it does not answer the command of ``token``."""
    try:
        envelope = msgspec.json.decode(line, type=Envelope)
    except (ValueError, RecursionError):  # no JSON, or not of this shape
        return None
    return envelope if envelope.to == token else None


class Outside:
    """Effbench's end. Threads read and write, since a worker that hangs does neither."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes], mark: str) -> None:
        """Take both pipes; the answers begin after a line with the worker's ``mark``."""
        self._commands, self._answers, self._mark = commands, answers, mark.encode()
        self._to_send: queue.Queue[bytes] = queue.Queue()
        self._lines: queue.Queue[bytes] = queue.Queue(AHEAD)
        self._over = False
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._send, self._listen)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, command: dict[str, Any]) -> None:
        """Send a command."""
        # msgspec would refuse a path whose bytes are no UTF-8
        self._to_send.put(dumps(command).encode() + b"\n")

    def line(self, seconds: float, meanwhile: Callable[[], object]) -> bytes:
        """Return the next line, and call ``meanwhile`` now and then while waiting.

        A line without its end is the last line, or it is too long.

        Raises:
            queue.Empty: no line came in time.

        """
        deadline = monotonic() + seconds
        while True:
            left = deadline - monotonic()
            try:
                return self._lines.get(timeout=max(0.0, min(left, LOOK_SECONDS)))
            except queue.Empty:
                if left <= LOOK_SECONDS:
                    raise
            meanwhile()

    def close(self) -> None:
        """Let the worker know that no command follows, and read no more of it."""
        self._over = True
        self._to_send.put(b"")

    def clear(self) -> None:
        """Close the pipes after the worker has ended."""
        for thread, pipe in zip(self._threads, (self._commands, self._answers), strict=True):
            thread.join(1)
            if not thread.is_alive():  # a living thread still uses the file
                with suppress(OSError):  # closing flushes what was not sent yet
                    pipe.close()

    def _send(self) -> None:
        try:
            while command := self._to_send.get():
                self._commands.write(command)
                self._commands.flush()
            self._commands.close()
        except OSError:  # the worker has ended: its answers end, too
            return

    def _listen(self) -> None:
        line = b"\n"
        try:
            while line and line.strip() != self._mark:  # Python may print at its start
                line = self._answers.readline(LARGEST)
            if not line.endswith(b"\n"):  # the worker ended before its mark
                self._keep(b"")
            while line.endswith(b"\n"):
                line = self._answers.readline(LARGEST)
                self._keep(line)
        except (OSError, ValueError):
            self._keep(b"")

    def _keep(self, line: bytes) -> None:
        """Keep a line until it is asked for; a worker that floods the pipe waits."""
        while not self._over:
            with suppress(queue.Full):
                self._lines.put(line, timeout=LOOK_SECONDS)
                return


class Inside:
    """The worker's end. The process ends when no more commands come."""

    def __init__(self, mark: str) -> None:
        """Take the pipes from standard input and output, and give plugins other files there."""
        self._process, self._token = getpid(), ""
        self._writing = threading.Lock()
        self._files = [os.dup(0), os.dup(1)]
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        os.close(nothing)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)
        self._commands: queue.Queue[dict[str, Any]] = queue.Queue()
        self._write(f"\n{mark}\n".encode())
        threading.Thread(target=self._listen, daemon=True).start()

    def command(self) -> dict[str, Any]:
        """Wait for the next command and return it."""
        command = self._commands.get()
        self._token = command.pop("to")
        return command

    def answer(self, reply: msgspec.Struct) -> None:
        """Answer the last command."""
        self._write(_encode({"to": self._token, "reply": reply}) + b"\n")

    def tell(self, event: msgspec.Struct) -> None:
        """Tell what happened on the way to the answer of the last command."""
        self._write(_encode({"to": self._token, "event": event}) + b"\n")

    def fail(self, error: BaseException) -> None:
        """Tell why there is no answer, and end at once: a plugin's threads are not awaited.

        The message of our own error says all; of any other error, the traceback is printed.
        """
        if isinstance(error, BlamedError) or not isinstance(error, EffbenchError):
            with suppress(OSError):  # a plugin may have closed standard error
                write(2, "".join(format_exception(error)).encode(errors="replace"))
        try:
            text = message_of(error).encode(errors="replace").decode()
            named = isinstance(error, BlamedError)
            self._write(_encode({"to": self._token, "failed": text, "named": named}) + b"\n")
        finally:
            _exit(1)

    def _write(self, line: bytes) -> None:
        if getpid() != self._process:  # this is a plugin's fork that goes on with our work
            _exit(1)
        with self._writing:  # events come from several threads
            while line:
                line = line[write(self._files[1], line) :]

    def _forget(self) -> None:
        """Close the pipes in a forked child: they belong to the parent."""
        for file in self._files:
            with suppress(OSError):
                close(file)

    def _listen(self) -> None:
        try:
            with os.fdopen(self._files[0], "rb", closefd=False) as commands:
                for line in commands:
                    self._commands.put(loads(line))
        except BaseException as error:
            self.fail(error)
        _exit(0)


def end_with_parent() -> None:
    """Let Linux end this process with its parent, even when it hangs in a library."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
