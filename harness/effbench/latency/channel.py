"""The two pipes between a session and a worker: one command, one answer, a line each.

Each command carries a token, and so does its answer: a line that a plugin wrote is told apart.
The worker's ends are nobody's but ours: neither programs nor forks inherit them, and what is
printed goes elsewhere.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from json import dumps, loads
from os import _exit, close, getpid, write
from time import monotonic
from traceback import format_exception
from typing import IO, Any

import msgspec

from effbench.guard.blame import PluginError
from effbench.text.raised import message_of

MARK = "EFFBENCH_WORKER"
"""What tells a worker's processes in their environment."""

LARGEST = 16 * 2**20
"""Bytes that a line may have: a hundred thousand times are a tenth of it."""

LOOK_SECONDS = 1.0
"""How often whoever waits for an answer looks after other things."""

_encode = msgspec.json.encode  # what is in C cannot be replaced in part


class Envelope(msgspec.Struct):
    """An answer, or why there is none."""

    to: str
    """The token of the command."""

    reply: msgspec.Raw = msgspec.Raw()
    failed: str = ""
    named: bool = False
    """Whether that says by itself whose fault it was."""


def opened(line: bytes, token: str) -> Envelope | None:
    """Return what a line holds; None if it is no answer to the command of that token."""
    try:
        envelope = msgspec.json.decode(line, type=Envelope)
    except (ValueError, RecursionError):  # no JSON, or not of this shape
        return None
    return envelope if envelope.to == token else None


class Outside:
    """The session's end. Threads read and write, since a worker may do neither."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes], mark: str) -> None:
        """Take both pipes; answers begin after a line of the worker's ``mark``."""
        self._commands, self._answers, self._mark = commands, answers, mark.encode()
        self._to_send: queue.Queue[bytes] = queue.Queue()
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._send, self._listen)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, command: dict[str, Any]) -> None:
        """Send a command."""
        # not by msgspec: a path may hold bytes that are no UTF-8
        self._to_send.put(dumps(command).encode() + b"\n")

    def line(self, seconds: float, meanwhile: Callable[[], object]) -> bytes:
        """Return the next line: one without an end was the last, or is too long.

        ``meanwhile`` is called now and then.

        Raises:
            queue.Empty: none came in time.

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
        """Let the worker know that no command follows."""
        self._to_send.put(b"")

    def clear(self) -> None:
        """Let go of the pipes, when the worker has gone."""
        for thread, pipe in zip(self._threads, (self._commands, self._answers), strict=True):
            thread.join(1)
            if not thread.is_alive():  # else it holds the file
                with suppress(OSError):  # what was not sent yet
                    pipe.close()

    def _send(self) -> None:
        try:
            while command := self._to_send.get():
                self._commands.write(command)
                self._commands.flush()
            self._commands.close()
        except OSError:  # it has ended: its answers end, too
            return

    def _listen(self) -> None:
        line = b"\n"
        try:
            while line and line.strip() != self._mark:  # what Python prints at its start
                line = self._answers.readline(LARGEST)
            while self._lines.qsize() < 2:  # the second one is more than was asked for
                line = self._answers.readline(LARGEST)
                self._lines.put(line)
                if not line.endswith(b"\n"):
                    return
        except (OSError, ValueError):
            self._lines.put(b"")


class Inside:
    """The worker's end; its process ends with the commands."""

    def __init__(self, mark: str) -> None:
        """Take the pipes from standard input and output, and leave those to plugins."""
        self._process, self._token = getpid(), ""
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
        """Return the next command."""
        command = self._commands.get()
        self._token = command.pop("to")
        return command

    def answer(self, reply: msgspec.Struct) -> None:
        """Answer it."""
        self._write(_encode({"to": self._token, "reply": reply}) + b"\n")

    def fail(self, error: BaseException) -> None:
        """Say why there is no answer, and end: without waiting for a plugin's threads."""
        with suppress(OSError):  # it may be closed
            write(2, "".join(format_exception(error)).encode(errors="replace"))
        try:
            text = message_of(error).encode(errors="replace").decode()
            named = isinstance(error, PluginError)
            self._write(_encode({"to": self._token, "failed": text, "named": named}) + b"\n")
        finally:
            _exit(1)

    def _write(self, line: bytes) -> None:
        if getpid() != self._process:  # a plugin forked, and its child goes on with our work
            _exit(1)
        while line:
            line = line[write(self._files[1], line) :]

    def _forget(self) -> None:
        """Leave the pipes to the parent, in a child."""
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
