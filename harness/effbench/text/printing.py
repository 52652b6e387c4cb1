"""All printing of effbench: no text from a file or a plugin can control the terminal.

Names and messages come from suites, records, plugins and models of strangers. Escape sequences
in them could clear the screen, set the window's title or write into the clipboard.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

import click

from effbench.api.errors import DiskError

_HARMFUL = re.compile(
    "["
    "\x00-\x08\x0a-\x1f\x7f-\x9f"  # controls, as in escape sequences; the tab is allowed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that change the order of text
    "\u2028\u2029"  # separators of lines and paragraphs
    "\ud800-\udfff"  # half characters: bytes of file names that are no UTF-8
    "\U000e0000-\U000e007f"  # invisible letters
    "]"
)


def harmless(text: str) -> str:
    r"""Return a line that any terminal can show: an escape character becomes ``\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return _HARMFUL.sub(lambda match: repr(match[0])[1:-1], text)


def harmless_lines(text: str) -> str:
    """Return text with each line made `harmless`; the line ends stay."""
    return "\n".join(map(harmless, text.split("\n")))


def say(*lines: str, err: bool = False) -> None:
    """Print each argument as one line: to standard output, or to standard error with ``err``.

    Raises:
        DiskError: nothing more can be written to standard output.

    """
    put("".join(f"{harmless(line)}\n" for line in lines), err=err)


def put(text: str, *, err: bool = False) -> None:
    """Print text unchanged; it must be harmless already, such as JSON or a finished table.

    A failure of standard error is ignored, because no work should stop for a remark.

    Raises:
        DiskError: nothing more can be written to standard output.

    """
    with contextlib.suppress(OSError, ValueError) if err else to_output():
        click.echo(text, nl=False, err=err)


@contextlib.contextmanager
def to_output() -> Iterator[None]:
    """Turn a failure of standard output inside the block into a `DiskError`.

    Raises:
        DiskError: nothing more can be written to standard output.

    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # `| head` has closed the pipe: click ends quietly
        raise DiskError("standard output", error) from error


def escaped_json(text: str) -> str:
    """Return JSON of the same value, with its harmful characters written as escapes."""
    lines = text.split("\n")
    return "\n".join(_HARMFUL.sub(lambda at: json.dumps(at[0])[1:-1], line) for line in lines)


def put_json(value: Any) -> None:
    """Print a value as JSON; a record may stand in it too."""
    put(escaped_json(json.dumps(value, indent=1, default=_built_in)) + "\n")


def _built_in(value: object) -> object:
    """Return plain data in place of a record."""
    from msgspec import to_builtins

    return to_builtins(value)


def harmless_data(value: Any) -> Any:
    """Return a value for JSON with all its texts made `harmless`."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, Mapping):
        return {harmless_data(name): harmless_data(item) for name, item in value.items()}
    return [harmless_data(item) for item in value] if isinstance(value, list | tuple) else value


class Plain(logging.Formatter):
    """Formats the log messages of plugins and libraries, and makes them harmless."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a log record."""
        return harmless_lines(super().format(record))


def one_line(text: str) -> str:
    """Return text on one line, made `harmless`."""
    return harmless(" ".join(text.split()))
