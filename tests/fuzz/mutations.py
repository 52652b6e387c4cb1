"""Damage to files, drawn by Hypothesis: to bytes, to columns, and to what JSON says."""

from __future__ import annotations

import contextlib
import copy
import functools
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hypothesis import strategies as st

TEXTS = [
    "", " ", "a b", "a\nb", "a\tb", "\0", "\ud800", "\x1b[31mred", "\x9b31m", "\u202eabc",
    "\ufeff", "..", "../../up", "/etc/passwd", "a/b", "a\\b", "C:\\x", "~", ".", "-", "--help",
    "=1+1", "NaN", "nan", "null", "true", "no", "1", "0", "-1", "1.0", "1e999", "1_000", "0x10",
    "\u0663", "9" * 30, "9" * 5000, "1000001", "\U0001f680", "e\u0301", "'", '"', '""', "%s",
    "'; rm x", "$HOME", "`x`", "{}", "[bold]", "[/]", "<b>", "&amp;", "|", "CON", "a" * 300,
    "x" * 5000, "\u00e9" * 200, "data-0", "test", "done", "2026-11-25T00:00:00+00:00",
]  # fmt: skip
"""Strings that something takes for something else."""

RAWS = [
    "1e999", "-1e999", "1e-999", "NaN", "Infinity", "-Infinity", "-0", "-0.0", "0.1e1",
    "1" * 400, "1" * 5000, "-1", "0", "1", "2", "1e300", "1e308", "5e-324", "4294967296",
    "9223372036854775808", "true", "false", "null", "{}", "[]", "[[]]", "[null]", '{"": null}',
    '{"a": 1, "a": 2}', '"\\u0000"', '"\\ud83d"', '"\\udc00"', "[" * 500 + "]" * 500,
    "[" * 100_000 + "]" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, "tru",
]  # fmt: skip
"""What may stand for a value in JSON, as it is written there."""

CHUNKS = [
    b"\0", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n", b"\t",
    b" ", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\x1f\x8b\x08", b"PK\x03\x04",
    b"\x93NUMPY", b"\xe2\x80\xa8", b"\x1b[2J", b"\xc3", b"\xed\xa0\x80", b"1e999", b"nan",
    b"x" * 200_000, b"\n" * 1000, b"\x85", b"\x0c", b"\x1c",
]  # fmt: skip
"""Bytes that are put into files."""

_RAW = re.compile(r'"<raw (\d+)>"')


def odd_values() -> st.SearchStrategy[Any]:
    """Return values for JSON; those of `RAWS` are put in when it is written."""
    raws = st.sampled_from([f"<raw {place}>" for place in range(len(RAWS))])
    numbers = st.one_of(st.floats(), st.integers(), st.integers(-3, 12))
    small = st.one_of(raws, st.sampled_from(TEXTS), numbers, st.text(max_size=9))
    return st.one_of(small, small, st.lists(small, max_size=3), st.dictionaries(
        st.one_of(st.sampled_from(TEXTS), st.text(max_size=4)), small, max_size=3
    ))  # fmt: skip


class Edit(NamedTuple):
    """A change of one part of a document of JSON."""

    path: tuple[Any, ...]
    """Keys and places in lists that lead to the part."""

    how: str
    value: Any


WAYS = ["set"] * 4 + ["near"] * 4 + ["copy"] * 2 + ["drop", "name", "wrap", "text"]


@st.composite
def edits(draw: st.DrawFn, document: Any) -> Edit:
    """Return a change of a part that a document has."""
    path, part = _part(draw, document)
    how = draw(st.sampled_from(WAYS))
    value = draw(odd_values()) if how == "set" else None
    if how == "near" and type(part) in (int, float):
        value = draw(st.sampled_from([-part, part * 2, part + 1, part / 3, float(part)]))
    elif how == "near" and isinstance(part, str):
        odd = draw(st.sampled_from(TEXTS))
        value = draw(st.sampled_from([odd, part + odd, odd + part]))
    elif how == "near" and isinstance(part, list):
        value = draw(st.sampled_from([part[1:], part * 2, part[::-1]]))
    elif how in ("copy", "near"):
        value = _part(draw, document)[1]
    elif how == "name":
        value = draw(st.sampled_from(TEXTS))
    elif how == "wrap":
        value = draw(st.sampled_from([[part], {"a": part}, [part, part]]))
    elif how == "text":
        value = str(part)
    return Edit(path, how, value)


def edited(document: Any, made: Iterable[Edit]) -> Any:
    """Return a document with changes made, but those of parts that it has not."""
    document = copy.deepcopy(document)
    for path, how, value in made:
        *outer, name = path
        with contextlib.suppress(LookupError, TypeError):
            holder = functools.reduce(lambda inside, step: inside[step], outer, document)
            if how == "drop":
                del holder[name]
            elif how == "name" and isinstance(holder, dict):
                holder[value] = holder.pop(name)
            elif holder[name] is not document:
                holder[name] = copy.deepcopy(value)
    return document


def changed(document: Any) -> st.SearchStrategy[Any]:
    """Return a document with some of its parts changed."""
    return st.lists(edits(document), min_size=1, max_size=3).map(
        lambda made: edited(document, made)
    )


def written(document: Any, *, plain: bool = True) -> bytes:
    """Return a document as a file of JSON, with what stands for `RAWS` put in."""
    text = json.dumps(document, ensure_ascii=plain)
    text = _RAW.sub(lambda raw: RAWS[int(raw[1])], text)
    return text.encode("utf-8", "surrogatepass")


def _part(draw: st.DrawFn, document: Any) -> tuple[tuple[Any, ...], Any]:
    """Return where a part of a document is, and the part."""
    path, part = [], document
    while isinstance(part, dict | list) and part and (not path or draw(st.integers(0, 3)) != 3):
        names = list(part) if isinstance(part, dict) else range(len(part))
        path.append(draw(st.sampled_from(names)))
        part = part[path[-1]]
    return tuple(path), part


@st.composite
def damaged(draw: st.DrawFn, content: bytes, most: int = 3) -> bytes:
    """Return the bytes of a file with some of them damaged."""
    for _ in range(draw(st.integers(1, most))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
        how = draw(st.integers(0, 12))
        if how < 3 and start < len(content):
            flipped = content[start] ^ 1 << draw(st.integers(0, 7))
            content = content[:start] + bytes([flipped]) + content[start + 1 :]
        elif how < 6:
            content = content[:start] + draw(st.sampled_from(CHUNKS)) + content[start:]
        elif how == 6:
            content = content[:start]
        elif how == 7:
            content = content[:start] + content[end:]
        elif how == 8:
            content = content[:end] + content[start:end] * draw(st.sampled_from([1, 2, 50]))
        elif how == 9:
            lines = content.splitlines(keepends=True)
            content = b"".join(draw(st.permutations(lines[:40])) + lines[40:])
        elif how == 10:
            content = _recoded(draw, content)
        elif how == 11:
            content = draw(st.binary(max_size=40))
        else:
            content = gzip.compress(content, mtime=0)
    return content


def _recoded(draw: st.DrawFn, content: bytes) -> bytes:
    name = draw(
        st.sampled_from(["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7", "cp500"])
    )
    return content.decode("utf-8", "replace").encode(name, "replace")


@st.composite
def torn(draw: st.DrawFn, content: bytes, between: str = " ") -> bytes:
    """Return lines of columns with some of the columns changed, and their gzip sometimes."""
    rows = [line.split(between) for line in content.decode().splitlines()]
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        row = draw(st.sampled_from(rows))
        at = draw(st.integers(0, max(0, len(row) - 1)))
        how = draw(st.integers(0, 5))
        if how < 3:
            row[at : at + 1] = [draw(st.one_of(st.sampled_from(TEXTS), st.text(max_size=5)))]
        elif how == 3:
            del row[at : at + 1]
        elif how == 4:
            row[at:at] = draw(st.sampled_from(rows))[:2]
        else:
            row[:] = draw(st.sampled_from(rows))
    end = draw(st.sampled_from(["\n"] * 5 + ["\r\n", "\r", "\n\n", "\x0b"]))
    text = end.join(between.join(row) for row in rows)
    content = text.encode("utf-8", "surrogatepass")
    if draw(st.sampled_from([0] * 5 + [1])):
        content = draw(damaged(content))
    if draw(st.sampled_from([0] * 5 + [1])):
        content = gzip.compress(content, mtime=0)
        return draw(damaged(content, 1)) if draw(st.booleans()) else content
    return content


@st.composite
def changed_lines(draw: st.DrawFn, content: bytes) -> bytes:
    """Return a file of JSON lines with what some of them say changed."""
    records = [json.loads(line) for line in content.splitlines()]
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(records) - 1))
        how = draw(st.sampled_from(["change"] * 4 + ["twice", "drop"]))
        if how == "twice":
            records.append(records[at])
        elif how == "drop" and len(records) > 1:
            del records[at]
        elif isinstance(records[at], dict) and records[at]:
            records[at] = draw(changed(records[at]))
    plain = draw(st.booleans())
    content = b"\n".join(written(record, plain=plain) for record in records)
    return draw(damaged(content)) if draw(st.sampled_from([0] * 5 + [1])) else content


def zipped(members: Mapping[str, bytes], method: int) -> bytes:
    """Return a zip of members, whose names it must be able to hold."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            plain = name.encode("utf-8", "replace").decode().partition("\0")[0]
            archive.writestr(plain or "x", content)
    return file.getvalue()
