"""Ways to damage files, such as disks, cables, people and programs damage them."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

WAYS = ("flip", "digit", "cut", "empty", "zero", "remove", "swap")


class Done(NamedTuple):
    """The damage that was done, in words, and the damaged files."""

    said: str
    paths: list[Path]


def damage(files: Sequence[Path], chance: random.Random) -> Done | None:
    """Damage one of the files, or swap two of them; return None if no byte changed."""
    path, way = chance.choice(files), chance.choice(WAYS)
    if way == "swap":
        return _swap(path, files, chance)
    before = path.read_bytes()
    if way == "remove":
        path.unlink()
        return Done(f"removed {path}", [path])
    after = _changed(before, way, chance)
    path.write_bytes(after)
    return None if after == before else Done(f"{way} in {path}", [path])


def _changed(content: bytes, way: str, chance: random.Random) -> bytes:
    place = chance.randrange(len(content)) if content else 0
    if way == "flip" and content:
        flipped = content[place] ^ 1 << chance.randrange(8)
        return content[:place] + bytes([flipped]) + content[place + 1 :]
    if way == "digit":
        digits = [found.start() for found in re.finditer(rb"\d", content)]
        if not digits:
            return content
        place = chance.choice(digits)
        return content[:place] + chance.choice(b"0123456789").to_bytes() + content[place + 1 :]
    if way == "cut":
        return content[:place]
    if way == "zero":
        end = min(len(content), place + chance.choice((8, 512, 1 << 20)))
        return content[:place] + bytes(end - place) + content[end:]
    return b""


def _swap(path: Path, files: Sequence[Path], chance: random.Random) -> Done | None:
    """Swap a file with another file of its kind; of shards, swap all files of their numbers."""
    others = [other for other in files if other.suffix == path.suffix and other != path]
    if not others:
        return None
    other = chance.choice(others)
    pairs = [(path, other)]
    if path.stem.isdigit() and other.stem.isdigit():
        pairs = [(path.with_suffix(s), other.with_suffix(s)) for s in (".npy", ".ids", ".json")]
    before = [(one.read_bytes(), two.read_bytes()) for one, two in pairs]
    for (one, two), (first, second) in zip(pairs, before, strict=True):
        one.write_bytes(second)
        two.write_bytes(first)
    same = all(first == second for first, second in before)
    return None if same else Done(f"swapped {path} and {other}", [path, other])
