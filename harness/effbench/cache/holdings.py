"""The contents of the cache: artifacts with their users, leftovers, and downloads."""

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
"""The suite and the row of an artifact that is older than the notes of uses."""

FREED = ".freed-"
"""The prefix of an artifact's folder while it is being freed."""

_NOTES = (uses.FOLDER, memory.FOLDER)
"""Folders without artifacts, in which runs keep notes for later runs."""

_KEY = re.compile(r"[0-9a-f]{32}")


class Size(NamedTuple):
    """Bytes of a folder."""

    nbytes: int = 0
    leftover: int = 0
    """Bytes of files that were never finished."""


@dataclass(frozen=True)
class Holding:
    """An artifact in the cache, finished or not."""

    folder: Path
    size: Size
    made: float
    """When it was finished, or last written to, in seconds since 1970."""

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
        """When it was last used or made, in seconds since 1970."""
        return max(self.made, self.use.last)

    @property
    def day(self) -> str:
        """The day of its last use, in this computer's time zone."""
        return datetime.fromtimestamp(self.last_used).date().isoformat()

    def facts(self) -> dict[str, Any]:
        """Return the artifact as ``effbench cache`` shows it in JSON."""
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
    """A step that a suite needs, and its artifact's state in the cache."""

    kind: str
    key: str
    label: str
    rows: tuple[str, ...]
    finished: bool
    nbytes: int
    """Bytes of its artifact; 0 if there is none."""

    def facts(self) -> dict[str, Any]:
        """Return the step as ``effbench cache needs`` shows it in JSON."""
        named = self._asdict()
        return {"bytes": named.pop("nbytes"), **named, "rows": list(self.rows)}


class Holdings(NamedTuple):
    """The contents of a cache."""

    artifacts: list[Holding]
    freed: dict[Path, int]
    """Folder that a killed process was freeing -> bytes."""

    downloads: dict[Path, int]
    """Folder of a plugin's downloads -> bytes."""

    @property
    def nbytes(self) -> int:
        """The bytes of all artifacts."""
        return sum(artifact.size.nbytes for artifact in self.artifacts)

    @property
    def leftovers(self) -> int:
        """The bytes that killed processes have left and that no process needs."""
        idle = (artifact.size.leftover for artifact in self.artifacts if not artifact.held)
        return sum(self.freed.values()) + sum(idle)


def read_holdings(root: Path) -> Holdings:
    """Return the contents of the cache in the folder ``root``, which need not exist.

    Raises:
        DiskError: a folder cannot be listed.

    """
    used = uses.read(root)
    holdings = Holdings([], {}, {})
    for kind in _folders(root):
        if kind.name in _NOTES:
            continue
        inside = list(_folders(kind))
        artifacts = [path for path in inside if _KEY.fullmatch(path.name)]
        freed = [path for path in inside if path.name.startswith(FREED)]
        holdings.freed.update((path, _nbytes(path)) for path in freed)
        holdings.artifacts.extend(_holding(path, used) for path in artifacts)
        if not (artifacts or freed) and (nbytes := _nbytes(kind)):
            holdings.downloads[kind] = nbytes
    return holdings


def needed_steps(store: Store, plan: Plan) -> list[Needed]:
    """Return the steps of a plan; the inputs of a step come before it."""
    rows = uses.rows_of(plan)
    steps = []
    for key, step in plan.steps().items():
        artifact = store.artifact(step.kind, key)
        users = tuple(rows[f"{step.kind}/{key}"])
        nbytes = _size(artifact.folder).nbytes
        finished = artifact.manifest() is not None
        steps.append(Needed(step.kind, key, step.label, users, finished, nbytes))
    return steps


def moment(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _holding(folder: Path, used: uses.Uses) -> Holding:
    name = f"{folder.parent.name}/{folder.name}"
    made = uses.written_at(folder / MANIFEST)
    return Holding(
        folder,
        _size(folder),
        made if made is not None else uses.written_at(folder) or 0.0,
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
    """Return the bytes of an artifact; files whose names begin with a dot are leftovers."""
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
    except OSError:  # it was removed meanwhile
        return 0


def _entries(folder: Path | str) -> Iterable[os.DirEntry[str]]:
    """Return the entries of a folder; none if it cannot be listed or was removed meanwhile."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _label(manifest: Path) -> str | None:
    """Return the step's label in a manifest, without a check: it is only shown."""
    try:
        facts = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    label = facts.get("label") if isinstance(facts, dict) else None
    return label if isinstance(label, str) else None
