"""What a store holds: artifacts with who uses them, leftovers of kills, downloads."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from effbench.api.errors import DiskError
from effbench.cache import uses
from effbench.store.artifacts import MANIFEST
from effbench.work import memory

if TYPE_CHECKING:
    from effbench.plan.cells import Plan
    from effbench.store.artifacts import Store

UNKNOWN = "unknown"
"""The suite and row of artifacts from before their uses were noted."""

FREED = ".freed-"
"""What the names of artifacts begin with that somebody has begun to free."""

_NOTES = (uses.FOLDER, memory.FOLDER)
"""Folders that hold no steps: of what runs note there for later ones."""

_KEY = re.compile(r"[0-9a-f]{32}")


class Size(NamedTuple):
    """Bytes of a folder."""

    nbytes: int = 0
    leftover: int = 0
    """Of files that were never finished."""


@dataclass(frozen=True)
class Holding:
    """An artifact, finished or not."""

    folder: Path
    size: Size
    made: float
    """When it was finished, or last written to; seconds since 1970."""

    finished: bool
    use: uses.Use
    held: bool
    """Whether a process uses it now."""

    @property
    def kind(self) -> str:
        """The kind of its step."""
        return self.folder.parent.name

    @property
    def suites(self) -> tuple[str, ...]:
        """The suites that use it."""
        return tuple(sorted(self.use.suites)) or (UNKNOWN,)

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows that use it."""
        return tuple(sorted(self.use.rows)) or (UNKNOWN,)

    @property
    def last_used(self) -> float:
        """When it was last used or made; seconds since 1970."""
        return max(self.made, self.use.last)

    @property
    def day(self) -> str:
        """The day of its last use, where this computer is."""
        return datetime.fromtimestamp(self.last_used).date().isoformat()

    def facts(self) -> dict[str, Any]:
        """Return what JSON says of it."""
        return {
            "kind": self.kind,
            "key": self.folder.name,
            "label": _label(self.folder / MANIFEST),
            "suites": list(self.suites),
            "rows": list(self.rows),
            "bytes": self.size.nbytes,
            "leftover_bytes": self.size.leftover,
            "finished": self.finished,
            "in_use": self.held,
            "last_used": moment(self.last_used),
        }


class Needed(NamedTuple):
    """A step that a suite needs, and whether it is there."""

    kind: str
    key: str
    label: str
    rows: tuple[str, ...]
    finished: bool
    nbytes: int
    """Of what is there."""

    def facts(self) -> dict[str, Any]:
        """Return what JSON says of it."""
        named = self._asdict()
        return {"bytes": named.pop("nbytes"), **named, "rows": list(self.rows)}


class Holdings(NamedTuple):
    """All that lies in a store."""

    artifacts: list[Holding]
    freed: dict[Path, int]
    """What was being freed when its process died -> bytes."""

    downloads: dict[Path, int]
    """Folders that plugins keep there -> bytes."""

    @property
    def nbytes(self) -> int:
        """The bytes of all artifacts."""
        return sum(one.size.nbytes for one in self.artifacts)

    @property
    def leftovers(self) -> int:
        """The bytes that killed processes have left and that nobody needs."""
        idle = (one.size.leftover for one in self.artifacts if not one.held)
        return sum(self.freed.values()) + sum(idle)


def holdings(root: Path) -> Holdings:
    """Return what there is under a store's root; nothing where there is no store.

    Raises:
        DiskError: a folder cannot be listed.

    """
    used = uses.read(root)
    found = Holdings([], {}, {})
    for kind in _folders(root):
        if kind.name in _NOTES:
            continue
        inside = list(_folders(kind))
        artifacts = [path for path in inside if _KEY.fullmatch(path.name)]
        freed = [path for path in inside if path.name.startswith(FREED)]
        found.freed.update((path, _nbytes(path)) for path in freed)
        found.artifacts.extend(_holding(path, used) for path in artifacts)
        if not (artifacts or freed) and (nbytes := _nbytes(kind)):
            found.downloads[kind] = nbytes
    return found


def needed(store: Store, plan: Plan) -> list[Needed]:
    """Return the steps of a plan, inputs first."""
    rows = uses.rows_of(plan)
    found = []
    for key, step in plan.steps().items():
        artifact = store.artifact(step.kind, key)
        users = tuple(rows[f"{step.kind}/{key}"])
        nbytes = _size(artifact.folder).nbytes
        finished = artifact.manifest() is not None
        found.append(Needed(step.kind, key, step.label, users, finished, nbytes))
    return found


def moment(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _holding(folder: Path, used: uses.Uses) -> Holding:
    name = f"{folder.parent.name}/{folder.name}"
    made = uses.date(folder / MANIFEST)
    return Holding(
        folder,
        _size(folder),
        made if made is not None else uses.date(folder) or 0.0,
        made is not None,
        used.known.get(name, uses.Use()),
        used.holds(name),
    )


def _folders(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise DiskError(folder, error) from error
    yield from (folder / name for name in names)


def _size(folder: Path) -> Size:
    """Return the bytes of an artifact; what begins with a point was never finished."""
    kept = leftover = 0
    for entry in _entries(folder):
        if entry.name.startswith("."):
            leftover += _tree(entry)
        else:
            kept += _tree(entry)
    return Size(kept, leftover)


def _nbytes(folder: Path) -> int:
    return sum(map(_tree, _entries(folder)))


def _tree(entry: os.DirEntry[str]) -> int:
    try:
        if entry.is_dir(follow_symlinks=False):
            return sum(map(_tree, _entries(entry.path)))
        return entry.stat(follow_symlinks=False).st_size
    except OSError:  # gone meanwhile
        return 0


def _entries(folder: Path | str) -> Iterable[os.DirEntry[str]]:
    """Return what is in a folder; nothing where it cannot be listed, or is gone meanwhile."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _label(manifest: Path) -> str | None:
    """Return what a manifest calls its step, unproved: it is only shown."""
    try:
        facts = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    label = facts.get("label") if isinstance(facts, dict) else None
    return label if isinstance(label, str) else None
