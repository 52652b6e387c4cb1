"""What tests alter of texts and files: it must be there, or nothing was tested."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, AnyStr

import numpy as np


def altered(text: AnyStr, old: AnyStr, new: AnyStr, *, times: int = 1) -> AnyStr:
    """Return a text with ``old`` replaced, which must be there so many times."""
    count = text.count(old)
    assert count == times, f"{old!r} is there {count} times, not {times}: {text[:2000]!r}"
    return text.replace(old, new)


def first_altered(text: str, old: str, new: str) -> str:
    """Return a text with the first ``old`` replaced, of which there must be one at least."""
    assert old in text, f"{old!r} is not in:\n{text}"
    return text.replace(old, new, 1)


def replaced(text: str, news: Mapping[str, str]) -> str:
    """Return a text with each key replaced by its value; one key at least must be there."""
    assert any(old in text for old in news), f"none of {[*news]} is in:\n{text}"
    for old, new in news.items():
        text = text.replace(old, new)
    return text


def put(path: Path, place: str, value: Any) -> None:
    """Put a value at a dotted place of a JSON file or a session's header."""
    session = path.suffix == ".npz"
    arrays = dict(np.load(path)) if session else {}
    data = json.loads(arrays["header"].tobytes() if session else path.read_text())
    *outer, last = place.split(".")
    inside = data
    for name in outer:
        inside = inside[int(name) if isinstance(inside, list) else name]
    inside[int(last) if isinstance(inside, list) else last] = value
    text = json.dumps(data)
    if session:
        arrays["header"] = np.frombuffer(text.encode(), dtype=np.uint8)
        np.savez_compressed(path, **arrays)
    else:
        path.write_text(text)
