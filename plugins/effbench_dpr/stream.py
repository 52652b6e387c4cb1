"""The parser of a JSON array of any length: memory holds one object at a time."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeAlias

import effbench
from effbench.files import opened

CHUNK = 1 << 20  # bytes that are read at a time
LONGEST = 1 << 26  # characters that an entry may have; this bounds the memory
Record: TypeAlias = dict[str, Any]
BROKEN = (OSError, EOFError, zlib.error)  # the errors that gzip raises for a damaged file
NOT_BLANK = re.compile(r"[^ \t\r\n]")
LITERAL = re.compile(r"[\w\\+.-]*\s*")
DECODER = json.JSONDecoder()


def read_objects(path: Path) -> Iterator[tuple[str, Record]]:
    """Yield ``path:line`` and the object, for each object of the array in a file.

    Raises:
        EffbenchError: with ``path:line``, if the file is not a JSON array of objects.

    """
    with opened(path) as stream:
        window = _Window(path, stream)
        if window.peek() != "[":
            raise window.error("no JSON array (give a retriever training file of DPR)")
        window.skip()
        if window.peek() != "]":
            yield window.take()
            while window.peek() == ",":
                window.skip()
                yield window.take()
        if not (last := window.peek()):
            raise window.error("the file ends before the array does (download it again)")
        if last != "]":
            raise window.error(f"{last!r} after an entry (write , or ])")
        window.skip()
        if window.peek():
            raise window.error("more after the end of the array (write one array)")


class _Window:
    """The text that was read from a stream and was not taken yet."""

    def __init__(self, path: Path, stream: BufferedReader) -> None:
        self._path, self._stream = path, stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at = "", 0
        self._line, self._taken = 1, 0
        self._broken: Exception | None = None

    def error(self, message: str, line: int | None = None) -> effbench.EffbenchError:
        """Return the error for a mistake on ``line``, or on the line of the next character."""
        return effbench.EffbenchError(f"{self._path}:{line or self._line}: {message}")

    def peek(self) -> str:
        """Return the next character that is not blank, or "" at the end of the file."""
        while True:
            match = NOT_BLANK.search(self._text, self._at)
            self._move(match.start() if match else len(self._text))
            if match:
                return match[0]
            if not self._grow():
                return ""

    def skip(self) -> None:
        """Move past the character that `peek` returned."""
        self._at += 1

    def take(self) -> tuple[str, Record]:
        """Return ``path:line`` of the next object, and the object.

        Raises:
            EffbenchError: there is no object, or it is malformed or too long.

        """
        first = self.peek()
        if first and first != "{":
            raise self.error(f"entry q{self._taken} is no JSON object (write one)")
        where = str(self.error(f"entry q{self._taken}"))
        while (decoded := self._decoded() if first else None) is None:
            if len(self._text) - self._at > LONGEST:
                raise self.error(f"entry q{self._taken} is endless (is a bracket missing?)")
            if not self._grow():
                raise self.error(
                    f"the file ends before entry q{self._taken} does (download it again)"
                )
        record, end = decoded
        self._move(end)
        self._taken += 1
        return where, record

    def _decoded(self) -> tuple[Record, int] | None:
        """Return the next object and its end; None if the end is not read yet."""
        try:
            return DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            # These two mean that the text ends inside the object: perhaps more can be read.
            if error.msg.startswith("Unterminated") or LITERAL.fullmatch(error.doc, error.pos):
                return None
            near = error.doc[error.pos : error.pos + 20]
            message = f"{error.msg.removesuffix(' at')} at {near!r}"
            line = self._line + self._text.count("\n", self._at, error.pos)
        except (ValueError, RecursionError) as error:  # too many digits, or too many brackets
            message, line = str(error), self._line
        raise self.error(f"entry q{self._taken}: bad JSON: {message} (mend it)", line)

    def _move(self, end: int) -> None:
        self._line += self._text.count("\n", self._at, end)
        self._at = end

    def _grow(self) -> bool:
        """Read as much again as the window holds; return False at the end of the file."""
        text = self._text[self._at :]
        last = self._line + text.count("\n")
        data = bytearray()
        try:
            data = self._read(max(CHUNK, len(text)))
            self._text, self._at = text + self._decoder.decode(data, final=not data), 0
        except UnicodeDecodeError as error:
            last += error.object.count(b"\n", 0, error.start)
            mend = "save the file as UTF-8" if data else "download it again"
            raise self.error(f"{error.reason} ({mend})", last) from None
        except BROKEN as error:
            raise self.error(f"{error} (download it again)", last) from None
        return bool(data)

    def _read(self, size: int) -> bytearray:
        """Return up to ``size`` bytes; at a damaged place, return the bytes before it first."""
        if self._broken:
            raise self._broken
        data = bytearray()
        try:
            while len(data) < size and (more := self._stream.read1(size - len(data))):
                data += more
        except BROKEN as error:
            self._broken = error
            if not data:
                raise
        return data
