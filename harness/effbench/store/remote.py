"""A remote folder through fsspec: each answer has a time limit, each refusal is one line."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from effbench.api.errors import EffbenchError

T = TypeVar("T")

PATIENCE_S = 60.0
"""The most seconds that an address may take to answer, or to send or take a chunk."""

CHUNK = 8 << 20
"""Bytes that are sent or received at once."""


class RefusedError(EffbenchError):
    """The address does not answer in time, or refuses."""


class MissingError(EffbenchError):
    """The address has no such file."""


class Remote:
    """The folder at an address such as ``s3://bucket/folder``; names are relative to it.

    Every method raises `RefusedError` if the address does not answer in time, or refuses, and
    `MissingError` for a file that is not there.
    """

    def __init__(self, address: str) -> None:
        """Note the address; nothing is asked yet."""
        self.address = address

    def ensure(self) -> None:
        """Make the folder if it is missing."""
        if not self._ask("exists", ""):
            self._ask("makedirs", "", exist_ok=True)

    def read(self, name: str) -> bytes:
        """Return the bytes of a small file."""
        return bytes(self._ask("cat_file", name))

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, whole or not at all."""
        temporary = f"{name}.{secrets.token_hex(8)}"
        self._ask("pipe_file", temporary, content)
        self._ask("mv", temporary, self._at(name))

    def receive(self, name: str, path: Path) -> None:
        """Copy a file from there to ``path``."""
        with self._ask("open", name, "rb") as source, path.open("wb") as target:
            while chunk := self._answer(source.read, CHUNK):
                target.write(chunk)

    def send(self, path: Path, name: str) -> None:
        """Copy the file ``path`` there, chunk by chunk."""
        self._ask("makedirs", name.rpartition("/")[0], exist_ok=True)
        with path.open("rb") as source:
            target = self._ask("open", name, "wb")
            while chunk := source.read(CHUNK):
                self._answer(target.write, chunk)
            self._answer(target.close)

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it."""
        self._ask("rm", name, recursive=True)

    def _ask(self, method: str, name: str, *arguments: Any, **options: Any) -> Any:
        system, _ = self._parts
        return self._answer(getattr(system, method), self._at(name), *arguments, **options)

    def _at(self, name: str) -> str:
        return f"{self._parts[1]}/{name}".rstrip("/")

    @cached_property
    def _parts(self) -> tuple[Any, str]:
        """The file system and the folder in it."""
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise EffbenchError(
                f"{self.address}: fsspec is not installed (pip install 'effbench[fsspec]')"
            ) from None
        system, root = self._answer(url_to_fs, self.address)  # it may connect already
        return system, str(root).rstrip("/")

    def _answer(self, ask: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Return what a call returns; raise what the methods of this class raise."""
        result = _called(ask, arguments, options)
        if not result:
            raise RefusedError(
                f"{self.address}: no answer in {PATIENCE_S:g} s (is the address right, and the "
                "network up?)"
            )
        if (error := result.get("error")) is not None:
            kind = MissingError if isinstance(error, FileNotFoundError) else RefusedError
            text = str(error).partition("\n")[0] or type(error).__name__
            raise kind(
                f"{self.address}: {text} (see to the address, the network and the rights)"
            ) from error
        answer: T = result["answer"]
        return answer


def _called(ask: Callable[..., Any], arguments: Any, options: Any) -> Mapping[str, Any]:
    """Return the answer or the error of a call; nothing if it takes longer than `PATIENCE_S`.

    A thread that waits for a dead host cannot be ended, so it must not keep the program alive.
    """
    result: dict[str, Any] = {}

    def call() -> None:
        try:
            result["answer"] = ask(*arguments, **options)
        except BaseException as error:
            result["error"] = error

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    return {} if thread.is_alive() else result
