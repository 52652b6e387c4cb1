"""The one place that prints: a terminal shows what files and plugins say, and obeys none of it.

Names and messages come from suites, records, plugins and models of strangers. A terminal obeys
escape sequences in them: they clear the screen, set titles, write into the clipboard.
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
    "\x00-\x08\x0a-\x1f\x7f-\x9f"  # controls: escape sequences, in 8 bits too; not the tab
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # these show text in another order
    "\u2028\u2029"  # lines of their own
    "\ud800-\udfff"  # halves of characters: bytes of file names that are no UTF-8
    "\U000e0000-\U000e007f"  # letters that nobody sees
    "]"
)


def harmless(text: str) -> str:
    r"""Return a line of text as any terminal can show it: an escape character is ``\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return _HARMFUL.sub(lambda found: repr(found[0])[1:-1], text)


def harmless_lines(text: str) -> str:
    """Return text whose line ends are meant, each line `harmless`."""
    return "\n".join(map(harmless, text.split("\n")))


def say(*lines: str, err: bool = False) -> None:
    """Print lines, of which each stays one; ``err`` is for what is not the answer.

    Raises:
        DiskError: the standard output takes no more.

    """
    put("".join(f"{harmless(line)}\n" for line in lines), err=err)


def put(text: str, *, err: bool = False) -> None:
    """Print text of ours as it is: JSON, and tables whose cells are harmless.

    What was to be said beside the answer is lost where nobody takes it; no work stops for it.

    Raises:
        DiskError: the standard output takes no more.

    """
    with contextlib.suppress(OSError, ValueError) if err else to_output():
        click.echo(text, nl=False, err=err)


@contextlib.contextmanager
def to_output() -> Iterator[None]:
    """Write to the standard output inside.

    Raises:
        DiskError: it takes no more.

    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # `| head` has seen enough: click ends quietly
        raise DiskError("standard output", error) from error


def exact(text: str) -> str:
    """Return JSON that says the same, its harmful characters written as escapes."""
    lines = text.split("\n")
    return "\n".join(_HARMFUL.sub(lambda at: json.dumps(at[0])[1:-1], one) for one in lines)


def put_json(value: Any) -> None:
    """Print a value as JSON."""
    put(exact(json.dumps(value, indent=1)) + "\n")


def harmless_data(value: Any) -> Any:
    """Return what JSON can hold, all its texts `harmless`."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, Mapping):
        return {harmless_data(name): harmless_data(one) for name, one in value.items()}
    return [harmless_data(one) for one in value] if isinstance(value, list | tuple) else value


class Plain(logging.Formatter):
    """What plugins and libraries log, made harmless."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        return harmless_lines(super().format(record))


def one_line(text: str) -> str:
    """Return text that any output can hold, on one line."""
    return harmless(" ".join(text.split()))
