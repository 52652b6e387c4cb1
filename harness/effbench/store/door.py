"""Safe reading of results: size limits, strict JSON, and the types of their fields.

Results may come from other people or from damaged disks. A file that does not fit raises an
`EffbenchError` that names the file, and the caller goes on without that file.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from effbench.api.errors import EffbenchError

LARGEST = 100_000_000
"""The most bytes of a file. A large record, with 10,000 queries and five measures, has 2 MB."""

DEEPEST = 32
"""The deepest nesting of lists and mappings; an honest file has 8 levels."""

LONGEST = 300
"""The most characters of a description of a mistake."""

CONTROL = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"
END = r"$(?!\n)"
"""The end of a text: ``$`` alone stands before a last newline too."""

_CONTROL = re.compile(f"[{CONTROL}]")

LONGEST_NAME = 1000

AHEAD = timedelta(days=2)
"""How much the clock of another machine may be ahead."""

WRITTEN = datetime(2026, 11, 26, tzinfo=timezone.utc)
"""A lower bound of the present: a clock that is behind it is wrong, and is not used."""

# Put no type with a pattern into a union with a list or a mapping (`Name | list[Any]`): msgspec
# 0.22.0 writes past the end of its memory then, and the process dies.
Name = Annotated[str, Meta(max_length=LONGEST_NAME, pattern=f"^[^{CONTROL}]*{END}")]
"""A name of a row, a dataset, a measure or a key: one line that a terminal can show."""

CellName = Annotated[
    str, Meta(max_length=255, pattern=rf"^(?!\.{{1,2}}$)[^/\\{CONTROL}]+{END}")
]
"""A name of a cell, which is also a file name without ending: it leads to no other folder."""

Text = Annotated[
    str, Meta(max_length=100_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")
]
"""A text that may have several lines."""

QueryId = Annotated[str, Meta(max_length=LONGEST_NAME)]
"""A query id; `check_ids` checks its characters, ten times as fast as a pattern."""

Number = Annotated[float, Meta(ge=-1e300, le=1e300)]
Positive = Annotated[float, Meta(ge=0, le=1e300)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Moment = Annotated[datetime, Meta(tz=True)]


def content(path: Path, most: int = LARGEST) -> bytes:
    """Return the bytes of a plain file that has at most ``most`` bytes.

    Raises:
        EffbenchError: the file is missing, unreadable, too large, or no plain file.

    """
    try:
        # without O_NONBLOCK, the opening of a pipe without a writer never ends
        opened = os.open(path, os.O_RDONLY | _flag("O_NONBLOCK") | _flag("O_BINARY"))
        with os.fdopen(opened, "rb") as file:
            facts = os.fstat(opened)
            if not stat.S_ISREG(facts.st_mode):
                raise EffbenchError(f"{path}: cannot be read: no plain file (move it away)")
            data = file.read(most + 1) if facts.st_size <= most else b""
    except OSError as error:
        raise EffbenchError(f"{path}: cannot be read: {error.strerror}") from error
    if max(facts.st_size, len(data)) > most:
        size = f"{max(facts.st_size, len(data)) / 1e6:.0f} MB"
        raise EffbenchError(
            f"{path}: has {size}, and at most {most / 1e6:.0f} MB are read (move it away)"
        )
    return data


def parsed(text: bytes, path: Path) -> Any:
    """Return the value of strict JSON.

    Raises:
        EffbenchError: the text is no strict JSON, has a key twice or is nested too deep.

    """
    try:
        data = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        raise EffbenchError(f"{path}: cannot be read: {error} (is it damaged?)") from error
    strings = text.replace(b"\\\\", b"").replace(b'\\"', b"").count(b'"') // 2
    if _strings(data, path) != strings:
        raise EffbenchError(f"{path}: cannot be read: a key is there twice (keep one)")
    return data


def foreign(text: bytes, path: Path) -> Any:
    """Return the value of JSON that other programs wrote: numbers may be NaN or infinite.

    Raises:
        EffbenchError: the text is no JSON, has a key twice or is nested too deep.

    """
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise EffbenchError(f"{path}: cannot be read: {error} (is it damaged?)") from error
    _strings(data, path)
    return data


def typed(data: Any, kind: Any, path: Path, advice: str = "run the suite again") -> Any:
    """Return a value of JSON as an object of the type ``kind``.

    Raises:
        EffbenchError: the value does not fit the type; the message names the field.

    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        fault, _, place = str(error).partition(" - at `$")
        where = f"{place.rstrip('`').lstrip('.')}: " if place.strip("`") else ""
        fault = fault.replace("Object missing required field", "there is no")
        if " matching regex " in fault:
            fault = "a name that no file has, or a text that no terminal can show"
        text = f"{where}{fault[:1].lower()}{fault[1:]}"[:LONGEST]
        raise EffbenchError(f"{path}: {text} ({advice})") from error
    except UnicodeError as error:  # a key with half a character, which `foreign` accepts
        raise EffbenchError(f"{path}: a key is no text ({advice})") from error


def check_ids(ids: Iterable[str]) -> None:
    """Refuse query ids that are empty or that a terminal cannot show.

    Raises:
        ValueError: an id is empty or has control characters.

    """
    every = list(ids)
    if not all(every):
        raise ValueError("a query id is empty")
    if _CONTROL.search("".join(every)):
        raise ValueError("a query id has control characters")


def wrong_with(query_id: str) -> str | None:
    """Return why no record could hold a query id, so that nobody could read its results."""
    if len(query_id) > LONGEST_NAME:
        return f"has {len(query_id):,} characters ({LONGEST_NAME} at most)"
    if query_id.startswith("\ufeff"):
        return "begins with a byte order mark (drop it)"
    return "has control characters (drop them)" if _CONTROL.search(query_id) else None


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse search settings of an index that a table cannot show in a name.

    Raises:
        ValueError: the settings are too long or have control characters.

    """
    shown = "".join(map(str, settings.values()))
    if len(shown) > LONGEST_NAME or _CONTROL.search(shown):
        raise ValueError("`search`: no setting of an index")


def check_unique(names: Iterable[str], nouns: str) -> None:
    """Refuse names that occur twice; ``nouns`` is their kind, in the plural.

    Raises:
        ValueError: a name occurs twice.

    """
    every = list(names)
    if len(set(every)) < len(every):
        raise ValueError(f"{nouns} are named twice")


def check_past(moment: datetime) -> None:
    """Refuse a date in the future: its record would stay the newest record for ever.

    Raises:
        ValueError: the date is more than `AHEAD` in the future.

    """
    now = max(datetime.now(timezone.utc), WRITTEN)
    if moment - now > AHEAD:
        raise ValueError(f"its date, {moment.isoformat()}, is still to come")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key is there twice")
    return mapping


def _flag(name: str) -> int:
    return getattr(os, name, 0)  # some systems lack it


def _strings(data: Any, path: Path) -> int:
    """Return the number of strings, with keys; refuse a value that is nested too deep."""
    count, level = int(type(data) is str), [data] if isinstance(data, dict | list) else []
    for _ in range(DEEPEST):
        inner = []
        for container in level:
            count += len(container) if isinstance(container, dict) else 0
            for value in container.values() if isinstance(container, dict) else container:
                kind = type(value)
                if kind is str:
                    count += 1
                elif kind is dict or kind is list:
                    inner.append(value)
        if not inner:
            return count
        level = inner
    raise EffbenchError(f"{path}: cannot be read: nested deeper than {DEEPEST} (move it away)")
