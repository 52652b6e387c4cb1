"""The objects of one JSON array, taken from the file one at a time, however large it is."""

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
LONGEST = 1 << 26  # characters of an entry: memory is bounded
Record: TypeAlias = dict[str, Any]
BROKEN = (OSError, EOFError, zlib.error)  # what gzip raises
NOT_BLANK = re.compile(r"[^ \t\r\n]")
LITERAL = re.compile(r"[\w\\+.-]*\s*")
DECODER = json.JSONDecoder()


def read_objects(path: Path) -> Iterator[tuple[str, Record]]:
    """Yield the objects of the array in a file, and where each begins.

    Raises `EffbenchError` with ``path:line`` for what is no JSON array of objects.
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
    """What has been read of a stream and not been taken yet."""

    def __init__(self, path: Path, stream: BufferedReader) -> None:
        self._path, self._stream = path, stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at = "", 0
        self._line, self._taken = 1, 0
        self._broken: Exception | None = None

    def error(self, what: str, line: int | None = None) -> effbench.EffbenchError:
        """Return a mistake on a line, which is that of the next character unless given."""
        return effbench.EffbenchError(f"{self._path}:{line or self._line}: {what}")

    def peek(self) -> str:
        """Return the next character that is not blank, "" at the end of the file."""
        while True:
            found = NOT_BLANK.search(self._text, self._at)
            self._move(found.start() if found else len(self._text))
            if found:
                return found[0]
            if not self._grow():
                return ""

    def skip(self) -> None:
        """Move on by the character that `peek` returned."""
        self._at += 1

    def take(self) -> tuple[str, Record]:
        """Return where the next object begins, and the object."""
        first = self.peek()
        if first and first != "{":
            raise self.error(f"entry q{self._taken} is no JSON object (write one)")
        where = str(self.error(f"entry q{self._taken}"))
        while (found := self._decoded() if first else None) is None:
            if len(self._text) - self._at > LONGEST:
                raise self.error(f"entry q{self._taken} is endless (is a bracket missing?)")
            if not self._grow():
                raise self.error(
                    f"the file ends before entry q{self._taken} does (download it again)"
                )
        record, end = found
        self._move(end)
        self._taken += 1
        return where, record

    def _decoded(self) -> tuple[Record, int] | None:
        """Return the next object and where it ends; None when it is not all there."""
        try:
            return DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            # Every other mistake is one of the end: of what is read, or of the file.
            if error.msg.startswith("Unterminated") or LITERAL.fullmatch(error.doc, error.pos):
                return None
            near = error.doc[error.pos : error.pos + 20]
            message = f"{error.msg.removesuffix(' at')} at {near!r}"
            line = self._line + self._text.count("\n", self._at, error.pos)
        except (ValueError, RecursionError) as error:  # too many digits, or brackets
            message, line = str(error), self._line
        raise self.error(f"entry q{self._taken}: bad JSON: {message} (mend it)", line)

    def _move(self, end: int) -> None:
        self._line += self._text.count("\n", self._at, end)
        self._at = end

    def _grow(self) -> bool:
        """Read on, by as much as is there already; return False at the end of the file."""
        rest = self._text[self._at :]
        last = self._line + rest.count("\n")
        data = bytearray()
        try:
            data = self._read(max(CHUNK, len(rest)))
            self._text, self._at = rest + self._decoder.decode(data, final=not data), 0
        except UnicodeDecodeError as error:
            last += error.object.count(b"\n", 0, error.start)
            mend = "save the file as UTF-8" if data else "download it again"
            raise self.error(f"{error.reason} ({mend})", last) from None
        except BROKEN as error:
            raise self.error(f"{error} (download it again)", last) from None
        return bool(data)

    def _read(self, size: int) -> bytearray:
        """Return up to ``size`` bytes: first those before a broken place, then raise."""
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
