"""Freeing of the cache: which artifacts go (none without an option); none in use goes.

A folder is renamed before it is emptied. If the process is killed meanwhile, each artifact is
whole or gone, and the next freeing removes the renamed folder.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from effbench.api.errors import DiskError, EffbenchError
from effbench.cache import uses
from effbench.cache.holdings import FREED, Holding, Holdings
from effbench.store.artifacts import Artifact


class Request(NamedTuple):
    """What a user asks to free: the artifacts that meet all given conditions."""

    older_than: float | None = None
    """Seconds that have passed since the artifact's last use."""

    suites: Collection[str] = ()
    """The suites that use the artifact: these, and no other suite."""

    most: int | None = None
    """Bytes that the cache may hold. The artifacts used longest ago go first."""


class Selection(NamedTuple):
    """The artifacts that a request frees, and those that are kept in spite of it."""

    chosen: Sequence[Holding]
    held: Sequence[Holding]
    """Kept, since a process uses them now."""

    shared: Sequence[Holding]
    """Kept, since suites use them that the request does not name."""


def ended_suites(request: Request, selection: Selection) -> Collection[str]:
    """Return the suites that lose all artifacts which no other suite uses."""
    only_suites = request == Request(suites=request.suites)
    return request.suites if only_suites and not selection.held else ()


def select(holdings: Holdings, request: Request) -> Selection:
    """Return the artifacts to free; none for an empty request."""
    if request == Request():
        return Selection([], [], [])
    asked = [artifact for artifact in holdings.artifacts if _meets(artifact, request)]
    named = set(request.suites)
    shared = [artifact for artifact in asked if named and not named.issuperset(artifact.suites)]
    asked = [artifact for artifact in asked if not named or named.issuperset(artifact.suites)]
    held = [artifact for artifact in asked if artifact.held]
    # of a plan's artifacts the last ones go first, since they are made from the earlier ones
    idle = sorted(
        (artifact for artifact in asked if not artifact.held),
        key=lambda artifact: (artifact.last_used, -artifact.made),
    )
    if request.most is not None:
        idle = _first_of(idle, holdings.nbytes - request.most)
        if holdings.nbytes - sum(artifact.size.nbytes for artifact in idle) <= request.most:
            return Selection(idle, [], [])  # the request is met: nothing is kept in spite of it
    return Selection(idle, held, shared)


def _meets(artifact: Holding, request: Request) -> bool:
    age = time.time() - artifact.last_used
    return (request.older_than is None or age > request.older_than) and (
        not request.suites or not set(request.suites).isdisjoint(artifact.suites)
    )


def _first_of(artifacts: Sequence[Holding], excess: int) -> list[Holding]:
    """Return as many of the first artifacts as have ``excess`` bytes together."""
    chosen = list[Holding]()
    for artifact in artifacts:
        if excess <= 0:
            break
        chosen.append(artifact)
        excess -= artifact.size.nbytes
    return chosen


@dataclass
class Freed:
    """The artifacts that were freed, and those that could not be."""

    artifacts: list[Holding] = field(default_factory=list)
    held: list[Holding] = field(default_factory=list)
    """A process has begun to use them since they were chosen."""

    failed: list[str] = field(default_factory=list)
    """Messages on artifacts that the system did not let go."""


def free(
    root: Path, holdings: Holdings, chosen: Sequence[Holding], ended: Collection[str] = ()
) -> Freed:
    """Free the chosen artifacts, and leftovers of killed processes, while other runs may begin.

    The notes of the suites ``ended`` are forgotten: they do not count any more as users of the
    artifacts that are left.

    Raises:
        EffbenchError: the note of a running process is lost, so its artifacts are not known.
        OSError: the cache takes no lock.

    """
    freed, going = Freed(), list(holdings.freed)
    if not root.is_dir():
        return freed
    with uses.changing(root):
        used = uses.read(root)
        if used.unclear:
            raise EffbenchError(
                f"{used.unclear[0]}: a running process uses what it lists, and it is lost or "
                "damaged: nothing is freed (wait until the process has ended)"
            )
        for artifact in chosen:
            _move_away(artifact, used, freed, going)
        gone = {artifact.folder for artifact in freed.artifacts}
        for artifact in holdings.artifacts:
            if artifact.size.leftover and artifact.folder not in gone:
                _sweep(artifact, used, freed)
        uses.forget(root, () if freed.held or freed.failed else ended)
    for folder in going:
        shutil.rmtree(folder, ignore_errors=True)  # another process may free the same
        if folder.exists():
            freed.failed.append(f"{folder}: cannot be removed (remove it yourself)")
    return freed


def _move_away(artifact: Holding, used: uses.Uses, freed: Freed, going: list[Path]) -> None:
    """Rename an artifact's folder, and add the new path to ``going``."""
    folder = artifact.folder
    if folder.is_symlink():
        freed.failed.append(f"{folder}: is a link (remove it and what it leads to yourself)")
        return
    away = folder.with_name(f"{FREED}{secrets.token_hex(8)}")
    lock = _acquired_lock(artifact, used)
    if lock is None:
        freed.held.append(artifact)
        return
    try:
        folder.rename(away)
        going.append(away)
        freed.artifacts.append(artifact)
    except FileNotFoundError:  # another process has freed it
        pass
    except OSError as error:
        freed.failed.append(str(DiskError(folder, error)))
    finally:
        lock.release()
    if not folder.exists():
        Path(lock.lock_file).unlink(missing_ok=True)


def _sweep(artifact: Holding, used: uses.Uses, freed: Freed) -> None:
    """Remove what killed processes have left in an artifact's folder."""
    lock = _acquired_lock(artifact, used)
    if lock is None:
        return
    try:
        Artifact(artifact.folder).sweep()
    except OSError as error:
        freed.failed.append(str(DiskError(artifact.folder, error)))
    finally:
        lock.release()


def _acquired_lock(artifact: Holding, used: uses.Uses) -> FileLock | None:
    """Return the lock of an artifact, acquired; None if a process uses the artifact."""
    if used.holds(f"{artifact.kind}/{artifact.folder.name}"):
        return None
    lock = FileLock(artifact.folder.with_name(f"{artifact.folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:  # an older effbench, which notes no uses, is at work
        return None
    return lock
