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

    message: str
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
        digits = [match.start() for match in re.finditer(rb"\d", content)]
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
    candidates = [file for file in files if file.suffix == path.suffix and file != path]
    if not candidates:
        return None
    partner = chance.choice(candidates)
    pairs = [(path, partner)]
    if path.stem.isdigit() and partner.stem.isdigit():
        pairs = [
            (path.with_suffix(s), partner.with_suffix(s)) for s in (".npy", ".ids", ".json")
        ]
    before = [(left.read_bytes(), right.read_bytes()) for left, right in pairs]
    for (left, right), (first, second) in zip(pairs, before, strict=True):
        left.write_bytes(second)
        right.write_bytes(first)
    same = all(first == second for first, second in before)
    return None if same else Done(f"swapped {path} and {partner}", [path, partner])
