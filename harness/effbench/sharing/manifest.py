"""The manifest of a pack: its cells with their keys, and the digest of each of its members."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from effbench.plan.learned import MANIFEST
from effbench.run.recorded import Sha256
from effbench.store.disk import read_sealed
from effbench.store.door import CONTROL, END, CellName, Count, Moment, Name, Text, typed

FORMAT: Literal[1] = 1

SUITE = "suite.yaml"
CACHE, HUB, RECORDS = "cache", "hub", "results"
"""The folders of a pack: artifacts of steps, models of the hub, and finished records."""

MemberName = Annotated[
    str,
    Meta(
        max_length=1000,
        pattern=rf"^(?!.*(^|/)\.{{1,2}}(/|$))[^/\\:{CONTROL}]+(/[^/\\:{CONTROL}]+)*{END}",
    ),
]
"""A relative path inside the folder into which a pack is unpacked."""


class Member(Struct, frozen=True):
    """A file of a pack."""

    sha256: Sha256
    nbytes: Count


class PackedCell(Struct, frozen=True):
    """A cell that can be measured with a pack."""

    key: Name
    latency_key: Name


class Manifest(Struct, frozen=True, kw_only=True):
    """The content of ``pack.json``."""

    format: Literal[1]
    suite: Name
    machine: Name
    """The machine whose records the pack has."""

    created: Moment
    versions: dict[Name, Name]
    """Package -> the version that made the pack."""

    cells: Annotated[dict[CellName, PackedCell], Meta(min_length=1)]
    left_out: dict[CellName, Text]
    """Cell -> why it cannot be measured with the pack."""

    members: dict[MemberName, Member]


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of an unpacked pack.

    Raises:
        EffbenchError: it is missing, damaged or foreign.

    """
    path = folder / MANIFEST
    manifest: Manifest = typed(read_sealed(path), Manifest, path, "make the pack again")
    return manifest
