"""Files at the door: read within bounds, checked once, handed on as typed objects.

Results come from other people and from damaged disks. What does not fit is one `EffbenchError`
that names the file; whoever reads leaves it out and goes on.
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
"""Bytes of a file; the largest honest record, of 10,000 queries and five measures, has 2 MB."""

DEEPEST = 32
"""Lists and mappings in each other; an honest file has eight."""

LONGEST = 300
"""Characters that are said of what is wrong."""

CONTROL = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"
END = r"$(?!\n)"
"""The end of a text: ``$`` alone stands before a last newline too."""

_CONTROL = re.compile(f"[{CONTROL}]")

LONGEST_NAME = 1000

AHEAD = timedelta(days=2)
"""By which clocks of other machines may be ahead."""

WRITTEN = datetime(2026, 11, 26, tzinfo=timezone.utc)
"""When this was written: a clock that says less is wrong, and no record's date is."""

# A type with a pattern stands in no union with a list or a mapping: msgspec 0.22.0 writes past
# the end of its memory there, and the process dies (`Name | list[Any]`).
Name = Annotated[str, Meta(max_length=LONGEST_NAME, pattern=f"^[^{CONTROL}]*{END}")]
"""Of a row, a dataset, a measure, a key: one line that a terminal can show."""

CellName = Annotated[
    str, Meta(max_length=255, pattern=rf"^(?!\.{{1,2}}$)[^/\\{CONTROL}]+{END}")
]
"""Of a file too, less its ending: it leads to no other folder."""

Text = Annotated[
    str, Meta(max_length=100_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")
]
"""Of several lines perhaps."""

QueryId = Annotated[str, Meta(max_length=LONGEST_NAME)]
"""See `check_ids`: a pattern takes ten times as long, and they are many."""

Number = Annotated[float, Meta(ge=-1e300, le=1e300)]
Positive = Annotated[float, Meta(ge=0, le=1e300)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


def content(path: Path, most: int = LARGEST) -> bytes:
    """Return the bytes of a plain file that is no larger than ``most``.

    Raises:
        EffbenchError: it is missing, may not be read, is too large, or is no plain file.

    """
    try:
        # a pipe that nobody writes into would be waited for
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
    """Return what JSON holds; it is strict, names a key once and is not nested too deep.

    Raises:
        EffbenchError: it does not.

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
    """Return what JSON of other programs holds: numbers may be NaN or infinite.

    Raises:
        EffbenchError: it is no JSON, names a key twice or is nested too deep.

    """
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise EffbenchError(f"{path}: cannot be read: {error} (is it damaged?)") from error
    _strings(data, path)
    return data


def typed(data: Any, kind: Any, path: Path, advice: str = "run the suite again") -> Any:
    """Return what JSON held as an object of a type.

    Raises:
        EffbenchError: it does not fit; the place is named.

    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        where = f"{place.rstrip('`').lstrip('.')}: " if place.strip("`") else ""
        what = what.replace("Object missing required field", "there is no")
        if " matching regex " in what:
            what = "a name that no file has, or a text that no terminal can show"
        said = f"{where}{what[:1].lower()}{what[1:]}"[:LONGEST]
        raise EffbenchError(f"{path}: {said} ({advice})") from error
    except UnicodeError as error:  # a key with half of a character, which `foreign` reads
        raise EffbenchError(f"{path}: a key is no text ({advice})") from error


def check_ids(ids: Iterable[str]) -> None:
    """Refuse ids of queries that a terminal cannot show, or that are empty.

    Raises:
        ValueError: there is such an id.

    """
    every = list(ids)
    if not all(every):
        raise ValueError("a query id is empty")
    if _CONTROL.search("".join(every)):
        raise ValueError("a query id has control characters")


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse settings of a search that a name of a row through an index cannot show.

    Raises:
        ValueError: there is one.

    """
    shown = "".join(map(str, settings.values()))
    if len(shown) > LONGEST_NAME or _CONTROL.search(shown):
        raise ValueError("`search`: no setting of an index")


def check_unique(names: Iterable[str], what: str) -> None:
    """Refuse names that are there twice.

    Raises:
        ValueError: one is.

    """
    every = list(names)
    if len(set(every)) < len(every):
        raise ValueError(f"{what} are named twice")


def check_past(moment: datetime) -> None:
    """Refuse a date that is still to come: it would be the newest for ever, and count.

    Raises:
        ValueError: it is.

    """
    now = max(datetime.now(timezone.utc), WRITTEN)
    if moment - now > AHEAD:
        raise ValueError(f"its date, {moment.isoformat()}, is still to come")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _flag(name: str) -> int:
    return getattr(os, name, 0)  # of systems that have it


def _strings(data: Any, path: Path) -> int:
    """Return how many strings there are, keys among them; refuse what is nested too deep."""
    found, level = int(type(data) is str), [data] if isinstance(data, dict | list) else []
    for _ in range(DEEPEST):
        inner = []
        for one in level:
            found += len(one) if isinstance(one, dict) else 0
            for value in one.values() if isinstance(one, dict) else one:
                kind = type(value)
                if kind is str:
                    found += 1
                elif kind is dict or kind is list:
                    inner.append(value)
        if not inner:
            return found
        level = inner
    raise EffbenchError(f"{path}: cannot be read: nested deeper than {DEEPEST} (move it away)")


Moment = Annotated[datetime, Meta(tz=True)]
