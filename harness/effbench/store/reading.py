"""Reading of users' text files: a mistake is a message with the file and the line.

The readers of runs and judgments use this module, and plugins do, too. Text is UTF-8. A byte
order mark at the start of a file is ignored, and a NUL is refused.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import operator
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader, RawIOBase
from numbers import Real
from pathlib import Path
from typing import IO, Any

from effbench.api.errors import EffbenchError
from effbench.guard.ordinary import ordinary

MOST_RELEVANCE = 1_000_000
"""The largest absolute value of a relevance: trec_eval makes a table of this length."""

CHUNK = 1 << 20
"""The number of bytes that one read takes."""

LONGEST = 1 << 26
"""The most bytes of a line, or of an entry in a file without lines: memory stays bounded."""

_SHOWN = 100  # characters of a value in a message

_MARK = b"\xef\xbb\xbf"
_UTF_16, _GZIP = (b"\xff\xfe", b"\xfe\xff"), b"\x1f\x8b"
_BROKEN = (OSError, EOFError, zlib.error)
"""The errors that a damaged file causes."""


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader[Any]]:
    """Open a file for reading bytes; a gzipped file is unpacked, with any name.

    Raises:
        EffbenchError: the file cannot be opened.

    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise EffbenchError(f"{path}: {error.strerror} (make it readable)") from error
    with raw:
        packed = path.suffix == ".gz" or raw.peek(2)[:2] == _GZIP
        if not packed:
            yield raw
            return
        with BufferedReader(_Unpacked(raw)) as stream:
            yield stream


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield ``path:line`` and the text of each line, without its end and without blank lines.

    The file may be gzipped.

    Raises:
        EffbenchError: a line is no UTF-8, has a NUL or is damaged.

    """
    with opened(path) as stream:
        yield from lines_of(str(path), stream)


def lines_of(path: str, stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Yield the lines of an open file as `read_lines` does; messages call the file ``path``."""
    for number, text in numbered(path, stream):
        if text.strip():
            yield f"{path}:{number}", text.rstrip("\r\n")


def numbered(path: str, stream: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Yield the number (from 1) and the text of every line with its end, as `read_lines`."""
    number = 0
    try:
        for number, line in enumerate(iter(partial(stream.readline, LONGEST + 1), b""), 1):
            if len(line) > LONGEST:
                long = f"a line of more than {LONGEST >> 20} MiB"
                raise EffbenchError(f"{path}:{number}: {long} (take an intact file)")
            if number == 1 and line.startswith(_UTF_16):
                raise EffbenchError(f"{path}:1: this is UTF-16 (save the file as UTF-8)")
            if b"\0" in line:
                raise EffbenchError(f"{path}:{number}: a NUL byte (take an intact file)")
            if line.startswith(_MARK):
                if number > 1:
                    raise EffbenchError(
                        f"{path}:{number}: a byte order mark inside the file (drop it)"
                    )
                line = line[len(_MARK) :]
            yield number, line.decode()
    except UnicodeDecodeError as error:
        raise EffbenchError(
            f"{path}:{number}: {error.reason} at byte {error.start} (save the file as UTF-8)"
        ) from None
    except _BROKEN as error:
        raise EffbenchError(f"{path}:{number + 1}: {error} (take an intact file)") from error


def sha256_of(stream: IO[bytes]) -> bytes:
    """Return the SHA-256 of the remaining bytes of an open file."""
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.digest()


def content_sha256(path: Path) -> str:
    """Return the SHA-256, in hex, of a text file's content; a gzipped file is unpacked first.

    Raises:
        EffbenchError: the file is damaged; the message has ``path:line``.

    """
    try:
        with opened(path) as stream:
            return sha256_of(stream).hex()
    except _BROKEN as error:
        for _ in read_lines(path):  # raises with the line's number
            pass
        raise EffbenchError(f"{path}: {error} (take an intact file)") from error


def json_objects(lines: Iterable[tuple[str, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place and the JSON object of each line of `read_lines`.

    Raises:
        EffbenchError: a line is no JSON object; the message has its place.

    """
    for where, text in lines:
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise EffbenchError(
                f"{where}: bad JSON: {error.msg} at column {error.colno} "
                "(write one JSON object on each line)"
            ) from None
        except (ValueError, RecursionError) as error:  # too many digits, or brackets
            raise EffbenchError(f"{where}: bad JSON: {error} (mend it)") from None
        if not isinstance(value, dict):
            raise EffbenchError(f"{where}: no JSON object (write one on each line)")
        yield where, value


def checked_id(value: object, label: str) -> str:
    """Return an id for TREC files: a string without white space and without NUL.

    Raises:
        EffbenchError: the value is no id; the message begins with ``label``.

    """
    value = ordinary(value)
    if not isinstance(value, str) or value.split() != [value] or "\0" in value:
        text = "missing" if value is None else shown(value)
        plain = "take a string without white space"
        mend = f'make it a string: "{text}"' if type(value) is int else plain
        raise EffbenchError(f"{label} is {text} ({mend})")
    return checked_text(value, label)


def checked_text(value: object, label: str) -> str:
    r"""Return a string of whole characters; JSON can hold half a character, ``\ud83d``.

    Raises:
        EffbenchError: the value is no such string; the message begins with ``label``.

    """
    if not isinstance(value := ordinary(value), str):
        raise EffbenchError(f"{label} is {kind_of(value)} (give a string)")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise EffbenchError(
                f"{label} has half a character, {value[error.start]!r} (write both halves)"
            ) from None
    return value


def shown(value: object) -> str:
    """Return a value for a message: in Python's notation, on one line, and short."""
    try:
        text = repr(value)
    except Exception:  # too many digits or brackets, or a broken object of a plugin
        return kind_of(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 4]}...{text[-1]}"


def kind_of(value: object) -> str:
    """Return the type of a JSON value in words for a message."""
    names = {str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    names |= {list: "a list", dict: "an object", type(None): "missing or null"}
    return names.get(type(value), f"a {type(value).__name__}")


def checked_relevance(value: object, label: str) -> int:
    """Return a relevance as an integer from -1,000,000 to 1,000,000; a text may spell it.

    Raises:
        EffbenchError: the value is no relevance; the message begins with ``label``.

    """
    try:
        relevance = _integer(value)
    except (TypeError, ValueError, OverflowError):
        raise EffbenchError(
            f"{label} {shown(value)} is no integer (take 0, 1, 2, ...)"
        ) from None
    if abs(relevance) > MOST_RELEVANCE:
        raise EffbenchError(f"{label} is too large (take at most {MOST_RELEVANCE:,})")
    return relevance


class _Unpacked(RawIOBase):
    """The content of a gzipped file: all bytes before a damaged place, and then the error."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._stream = gzip.GzipFile(fileobj=raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _integer(value: Any) -> int:
    if isinstance(value, str):
        value = value.strip()  # columns between TABs may have blanks
        if not (value.isascii() and value.lstrip("+-").isdigit() and len(value) < 20):
            raise ValueError
        return int(value)
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, Real) and not isinstance(value, int) and float(value).is_integer():
        return int(float(value))
    return ordinary(operator.index(value))  # type: ignore[no-any-return] # raises for all other types
