"""Freeing a store: which artifacts go, and that no process loses what it uses.

A folder is renamed before it is emptied: whoever is killed meanwhile leaves an artifact that is
whole or not there, and a leftover that the next freeing removes.
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


class Wanted(NamedTuple):
    """What is to be freed: artifacts of which all that is given here is true."""

    older_than: float | None = None
    """Seconds since their last use."""

    suites: Collection[str] = ()
    """No other suite uses them."""

    most: int | None = None
    """Bytes that all artifacts may take; those go that were used longest ago, until they do."""


class Choice(NamedTuple):
    """What of a store would be freed, and what is kept that was asked for, and why."""

    chosen: Sequence[Holding]
    held: Sequence[Holding]
    """A process uses them now."""

    shared: Sequence[Holding]
    """Suites use them that were not named."""


def ended(wanted: Wanted, choice: Choice) -> Collection[str]:
    """Return the suites of which all goes that they alone use."""
    return wanted.suites if wanted == Wanted(suites=wanted.suites) and not choice.held else ()


def choose(found: Holdings, wanted: Wanted) -> Choice:
    """Return what is to be freed; nothing unless something is wanted."""
    if wanted == Wanted():
        return Choice([], [], [])
    asked = [one for one in found.artifacts if _asked(one, wanted)]
    named = set(wanted.suites)
    shared = [one for one in asked if named and not named.issuperset(one.suites)]
    asked = [one for one in asked if not named or named.issuperset(one.suites)]
    held = [one for one in asked if one.held]
    # of one plan's artifacts those go first that were made last: they are made of the others
    idle = sorted(
        (one for one in asked if not one.held), key=lambda one: (one.last_used, -one.made)
    )
    if wanted.most is not None:
        idle = _until(idle, found.nbytes - wanted.most)
        if found.nbytes - sum(one.size.nbytes for one in idle) <= wanted.most:
            return Choice(idle, [], [])  # nothing else was asked for
    return Choice(idle, held, shared)


def _asked(one: Holding, wanted: Wanted) -> bool:
    age = time.time() - one.last_used
    return (wanted.older_than is None or age > wanted.older_than) and (
        not wanted.suites or not set(wanted.suites).isdisjoint(one.suites)
    )


def _until(artifacts: Sequence[Holding], excess: int) -> list[Holding]:
    chosen = list[Holding]()
    for one in artifacts:
        if excess <= 0:
            break
        chosen.append(one)
        excess -= one.size.nbytes
    return chosen


@dataclass
class Freed:
    """What was freed, and what could not be."""

    artifacts: list[Holding] = field(default_factory=list)
    held: list[Holding] = field(default_factory=list)
    """A process has begun to use them since they were chosen."""

    failed: list[str] = field(default_factory=list)
    """What says the system."""


def free(
    root: Path, found: Holdings, chosen: Sequence[Holding], ended: Collection[str] = ()
) -> Freed:
    """Free artifacts, and what killed processes have left; a process may begin meanwhile.

    Of suites that ``ended`` it is no longer noted that they use what others use too.

    Raises:
        EffbenchError: nobody can tell what running processes use.
        OSError: the store takes no lock.

    """
    freed, going = Freed(), list(found.freed)
    if not root.is_dir():
        return freed
    with uses.changing(root):
        used = uses.read(root)
        if used.unclear:
            raise EffbenchError(
                f"{used.unclear[0]}: a running process uses what it lists, and it is lost or "
                "damaged: nothing is freed (wait until the process has ended)"
            )
        for one in chosen:
            _move_away(one, used, freed, going)
        gone = {one.folder for one in freed.artifacts}
        for one in found.artifacts:
            if one.size.leftover and one.folder not in gone:
                _sweep(one, used, freed)
        uses.forget(root, () if freed.held or freed.failed else ended)
    for folder in going:
        shutil.rmtree(folder, ignore_errors=True)  # another process may free the same
        if folder.exists():
            freed.failed.append(f"{folder}: cannot be removed (remove it yourself)")
    return freed


def _move_away(one: Holding, used: uses.Uses, freed: Freed, going: list[Path]) -> None:
    if one.folder.is_symlink():
        freed.failed.append(
            f"{one.folder}: is a link (remove it and what it leads to yourself)"
        )
        return
    away = one.folder.with_name(f"{FREED}{secrets.token_hex(8)}")
    lock = _lock(one, used)
    if lock is None:
        freed.held.append(one)
        return
    try:
        one.folder.rename(away)
        going.append(away)
        freed.artifacts.append(one)
    except FileNotFoundError:  # another process has freed it
        pass
    except OSError as error:
        freed.failed.append(str(DiskError(one.folder, error)))
    finally:
        lock.release()
    if not one.folder.exists():
        Path(lock.lock_file).unlink(missing_ok=True)


def _sweep(one: Holding, used: uses.Uses, freed: Freed) -> None:
    lock = _lock(one, used)
    if lock is None:
        return
    try:
        Artifact(one.folder).sweep()
    except OSError as error:
        freed.failed.append(str(DiskError(one.folder, error)))
    finally:
        lock.release()


def _lock(one: Holding, used: uses.Uses) -> FileLock | None:
    """Return the lock of an artifact, held; None where some process uses it."""
    if used.holds(f"{one.kind}/{one.folder.name}"):
        return None
    lock = FileLock(one.folder.with_name(f"{one.folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:  # of an effbench that notes no uses
        return None
    return lock
