"""Reading files that people bring: what is wrong is one line that says the file and the line.

The readers of runs and judgments use it, and so do plugins. Text is UTF-8; a byte order mark at
the start of a file is no part of its text; a NUL is part of no text file.
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
"""The largest relevance, and the smallest without its sign: trec_eval keeps a table as long."""

CHUNK = 1 << 20
"""Bytes that are read at a time."""

LONGEST = 1 << 26
"""Bytes of a line, and of an entry of a file that has no lines: memory is bounded."""

_SHOWN = 100  # characters of a value in a message

_MARK = b"\xef\xbb\xbf"
_UTF_16, _GZIP = (b"\xff\xfe", b"\xfe\xff"), b"\x1f\x8b"
_BROKEN = (OSError, EOFError, zlib.error)
"""What reading a damaged file raises."""


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader[Any]]:
    """Open a file that may be gzipped, whatever its name is.

    Raises:
        EffbenchError: it cannot be opened.

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
    """Yield ``path:line`` and the line without its end, of a file that may be gzipped.

    Blank lines are left out.

    Raises:
        EffbenchError: with ``path:line``, for what is no UTF-8, holds a NUL or is damaged.

    """
    with opened(path) as stream:
        yield from lines_of(str(path), stream)


def lines_of(path: str, stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Yield the lines of an open file, called ``path`` in messages, as `read_lines` does."""
    for number, text in numbered(path, stream):
        if text.strip():
            yield f"{path}:{number}", text.rstrip("\r\n")


def numbered(path: str, stream: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Yield all lines of an open file with their numbers and ends; raise as `read_lines`."""
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
    """Return the SHA-256 of what is left of an open file."""
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.digest()


def content_sha256(path: Path) -> str:
    """Return the SHA-256, in hex, of what a text file holds: gzipped or not, it is the same.

    Raises:
        EffbenchError: with ``path:line`` for a damaged file.

    """
    try:
        with opened(path) as stream:
            return sha256_of(stream).hex()
    except _BROKEN as error:
        for _ in read_lines(path):  # says the line
            pass
        raise EffbenchError(f"{path}: {error} (take an intact file)") from error


def json_objects(lines: Iterable[tuple[str, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where each line stands, and the JSON object that it is.

    Raises:
        EffbenchError: with ``path:line``, for a line that is none.

    """
    for where, text in lines:
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise EffbenchError(
                f"{where}: bad JSON: {error.msg} at column {error.colno} "
                "(write one JSON object on each line)"
            ) from None
        except (ValueError, RecursionError) as error:  # too many digits, or brackets
            raise EffbenchError(f"{where}: bad JSON: {error} (mend it)") from None
        if not isinstance(found, dict):
            raise EffbenchError(f"{where}: no JSON object (write one on each line)")
        yield where, found


def checked_id(value: object, what: str) -> str:
    """Return an id that TREC files can hold: a string without white space and NUL.

    Raises:
        EffbenchError: it is none; ``what`` says which id, and where it stands.

    """
    value = ordinary(value)
    if not isinstance(value, str) or value.split() != [value] or "\0" in value:
        said = "missing" if value is None else shown(value)
        plain = "take a string without white space"
        mend = f'make it a string: "{said}"' if type(value) is int else plain
        raise EffbenchError(f"{what} is {said} ({mend})")
    return checked_text(value, what)


def checked_text(value: object, what: str) -> str:
    r"""Return a string of whole characters: JSON can say half of one, ``\ud83d``.

    Raises:
        EffbenchError: it is none; ``what`` says which text, and where it stands.

    """
    if not isinstance(value := ordinary(value), str):
        raise EffbenchError(f"{what} is {kind_of(value)} (give a string)")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise EffbenchError(
                f"{what} has half a character, {value[error.start]!r} (write both halves)"
            ) from None
    return value


def shown(value: object) -> str:
    """Return a value as messages show it: in quotes, in one line, and short."""
    try:
        text = repr(value)
    except Exception:  # too many digits or brackets, or an object of a plugin
        return kind_of(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 4]}...{text[-1]}"


def kind_of(value: object) -> str:
    """Return what a value of JSON is, as messages say it."""
    names = {str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    names |= {list: "a list", dict: "an object", type(None): "missing or null"}
    return names.get(type(value), f"a {type(value).__name__}")


def checked_relevance(value: object, what: str) -> int:
    """Return a relevance: an integer, or what spells one, from -1,000,000 to 1,000,000.

    Raises:
        EffbenchError: it is none; ``what`` says which relevance, and where it stands.

    """
    try:
        found = _integer(value)
    except (TypeError, ValueError, OverflowError):
        raise EffbenchError(
            f"{what} {shown(value)} is no integer (take 0, 1, 2, ...)"
        ) from None
    if abs(found) > MOST_RELEVANCE:
        raise EffbenchError(f"{what} is too large (take at most {MOST_RELEVANCE:,})")
    return found


class _Unpacked(RawIOBase):
    """What a gzipped file holds: all that comes before a broken place, and then the error."""

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
        value = value.strip()  # as columns are that stand apart by TABs
        if not (value.isascii() and value.lstrip("+-").isdigit() and len(value) < 20):
            raise ValueError
        return int(value)
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, Real) and not isinstance(value, int) and float(value).is_integer():
        return int(float(value))
    return ordinary(operator.index(value))  # type: ignore[no-any-return] # raises of anything else
