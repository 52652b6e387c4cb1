"""Damage to files, drawn by Hypothesis: to bytes, to columns, and to what JSON says."""

from __future__ import annotations

import copy
import gzip
import json
import re
from typing import Any

from hypothesis import strategies as st

TEXTS = [
    "", " ", "a b", "a\nb", "a\tb", "\0", "\ud800", "\x1b[31mred", "\x9b31m", "\u202eabc",
    "\ufeff", "..", "../../up", "/etc/passwd", "a/b", "a\\b", "C:\\x", "~", ".", "-", "--help",
    "=1+1", "NaN", "nan", "null", "true", "no", "1", "0", "-1", "1.0", "1e999", "1_000", "0x10",
    "\u0663", "9" * 30, "1000001", "\U0001f680", "e\u0301", "'", '"', '""', "'; rm x", "$HOME",
    "`x`", "%s", "{}", "[bold]", "[/]", "<b>", "&amp;", "|", "CON", "a" * 300, "x" * 5000,
    "\u00e9" * 200, "data-0", "test", "done", "failed", "2026-11-25T00:00:00+00:00",
]  # fmt: skip
"""Strings that something takes for something else."""

RAWS = [
    "1e999", "-1e999", "1e-999", "NaN", "Infinity", "-Infinity", "-0", "-0.0", "0.1e1",
    "1" * 400, "1" * 5000, "-1", "0", "1", "2", "1e300", "1e308", "5e-324", "4294967296",
    "9223372036854775808", "true", "false", "null", "{}", "[]", "[[]]", "[null]", '{"": null}',
    '{"a": 1, "a": 2}', '"\\u0000"', '"\\ud83d"', '"\\udc00"', "[" * 500 + "]" * 500,
    "[" * 100_000 + "]" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, "tru", "'a'", "", ",",
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
    raws = st.sampled_from([f"<raw {i}>" for i in range(len(RAWS))])
    numbers = st.one_of(st.floats(), st.integers(), st.integers(-3, 12))
    small = st.one_of(raws, st.sampled_from(TEXTS), numbers, st.text(max_size=9))
    return st.one_of(small, small, st.lists(small, max_size=3), st.dictionaries(
        st.one_of(st.sampled_from(TEXTS), st.text(max_size=4)), small, max_size=3
    ))  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, document: Any, most: int = 3) -> Any:
    """Return a document of JSON with some of its parts changed."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, most))):
        holder, name = _place(draw, document)
        if holder is None:
            return draw(odd_values())
        _change(draw, document, holder, name)
    return document


def written(document: Any, *, plain: bool = True) -> bytes:
    """Return a document as a file of JSON, with what stands for `RAWS` put in."""
    text = json.dumps(document, ensure_ascii=plain)
    text = _RAW.sub(lambda found: RAWS[int(found[1])], text)
    return text.encode("utf-8", "surrogatepass")


def _place(draw: st.DrawFn, document: Any) -> tuple[Any, Any]:
    """Return something that holds a value, and where: keys of a mapping, places of a list."""
    holder, name, inside = None, None, document
    while (
        isinstance(inside, dict | list) and inside and (name is None or draw(st.integers(0, 2)))
    ):
        holder = inside
        name = draw(
            st.sampled_from(list(inside) if isinstance(inside, dict) else range(len(inside)))
        )
        inside = inside[name]
    return holder, name


def _change(draw: st.DrawFn, document: Any, holder: Any, name: Any) -> None:
    value = holder[name]
    how = draw(
        st.sampled_from(["odd", "odd", "near", "drop", "name", "wrap", "string", "other"])
    )
    if how == "odd":
        holder[name] = draw(odd_values())
    elif how == "near" and type(value) in (int, float):
        holder[name] = draw(
            st.sampled_from([-value, value * 2, value + 1, value / 3, float(value)])
        )
    elif how == "near" and isinstance(value, str):
        holder[name] = value + draw(st.sampled_from(TEXTS))
    elif how == "drop":
        del holder[name]
    elif how == "name" and isinstance(holder, dict):
        holder[draw(st.sampled_from(TEXTS))] = holder.pop(name)
    elif how == "wrap":
        holder[name] = draw(st.sampled_from([[value], {"a": value}, [value, value]]))
    elif how == "string":
        holder[name] = str(value)
    elif how == "other":
        inside, place = _place(draw, document)
        holder[name] = copy.deepcopy(inside[place])


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
    for _ in range(draw(st.integers(0, 4))):
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
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n", "\x0b"]))
    text = end.join(between.join(row) for row in rows)
    content = text.encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 3)) == 0:
        content = draw(damaged(content))
    if draw(st.integers(0, 5)) == 0:
        content = gzip.compress(content, mtime=0)
        return draw(damaged(content, 1)) if draw(st.booleans()) else content
    return content


@st.composite
def changed_lines(draw: st.DrawFn, content: bytes) -> bytes:
    """Return a file of JSON lines with what some of them say changed."""
    lines = content.splitlines()
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.integers(0, 5))
        if how == 0:
            lines.append(lines[at])
        elif how == 1 and len(lines) > 1:
            del lines[at]
        elif lines[at].startswith(b"{") and len(lines[at]) < 1000:
            plain = draw(st.booleans())
            try:
                lines[at] = written(draw(changed(json.loads(lines[at]))), plain=plain)
            except ValueError:  # it was changed before
                continue
    content = b"\n".join(lines)
    return draw(damaged(content)) if draw(st.integers(0, 3)) == 0 else content
