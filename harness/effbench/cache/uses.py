"""Notes on the use of artifacts, so that no artifact is freed while a run uses it.

The folder `FOLDER` of the cache has a file for each plan that was run. The file holds the suite
and the rows of each artifact, and its date is the last use. Beside the file each process that
works on the plan holds a lock. The system releases the lock when the process dies. Before
artifacts are freed, these locks are tried. A process takes its lock, or takes artifacts away,
only while no other process does either (`changing`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filelock import FileLock, Timeout

from effbench.api.errors import EffbenchError
from effbench.store.digests import digest_of
from effbench.store.disk import listed, read_sealed, sweep_stale, write_json
from effbench.work.step import all_steps

if TYPE_CHECKING:
    from effbench.plan.cells import Plan
    from effbench.store.artifacts import Store

FOLDER = "uses"
"""The folder of the notes, in the cache."""

_CHANGING = "changing.lock"


class Use(NamedTuple):
    """The suites and rows that have used an artifact, and the last time."""

    suites: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()
    last: float = 0.0
    """Seconds since 1970; 0 without a note."""

    def __or__(self, more: Use) -> Use:
        return Use(self.suites | more.suites, self.rows | more.rows, max(self.last, more.last))


class Uses(NamedTuple):
    """All notes of a cache, by artifact (KIND/KEY)."""

    known: Mapping[str, Use]
    held: frozenset[str]
    """The artifacts of plans that a process works on now."""

    unclear: tuple[Path, ...]
    """Damaged or lost notes of plans that a process works on now: they might hold anything."""

    def holds(self, name: str) -> bool:
        """Tell whether a process uses an artifact now, or may use it."""
        return bool(self.unclear) or name in self.held


def rows_of(plan: Plan) -> dict[str, list[str]]:
    """Return the artifacts of a plan: KIND/KEY -> the names of the rows that need it."""
    rows_by_artifact: dict[str, dict[str, None]] = {}
    for cell in plan.cells:
        for key, step in all_steps((cell.search,)).items():
            rows_by_artifact.setdefault(f"{step.kind}/{key}", {})[cell.row.name] = None
    return {name: list(rows) for name, rows in rows_by_artifact.items()}


@contextmanager
def using(store: Store, plan: Plan) -> Iterator[None]:
    """Keep the artifacts of a plan from being freed while the body runs, and note their use.

    Where the cache takes no file, note nothing: a run can still read what is finished there.
    """
    with contextlib.ExitStack() as kept:
        with contextlib.suppress(OSError, EffbenchError, NotImplementedError):
            _begin(store.root, plan, kept)
        yield


def _begin(root: Path, plan: Plan, kept: contextlib.ExitStack) -> None:
    facts = {"suite": plan.suite.name, "artifacts": rows_of(plan)}
    path = root / FOLDER / f"{digest_of(facts)}.json"
    # a random name, since processes of two containers may have the same number
    lease = path.with_name(f"{path.stem}.{secrets.token_hex(8)}.lock")
    with changing(root):
        for folder in (root, *root.glob("*/")):
            sweep_stale(folder)
        if _read(path) is None:
            write_json(path, facts)
        with contextlib.suppress(OSError):  # the note is another user's
            os.utime(path)
        lock = FileLock(lease)
        lock.acquire()  # waits while another process tries the lock
    kept.callback(_end, path, lock, lease)


def _end(path: Path, lock: FileLock, lease: Path) -> None:
    with contextlib.suppress(OSError):
        os.utime(path)  # a run may take weeks
    lock.release()
    with contextlib.suppress(OSError):
        lease.unlink(missing_ok=True)


@contextmanager
def changing(root: Path) -> Iterator[None]:
    """Let no other process begin to use artifacts, or take any away, while the body runs.

    Raises:
        OSError: the cache takes no lock.

    """
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _CHANGING):
        yield


def read(root: Path) -> Uses:
    """Return the notes of the cache in the folder ``root``."""
    known, held, unclear = dict[str, Use](), set[str](), list[Path]()
    living = {lease.name.partition(".")[0] for lease in _leases(root) if not _is_over(lease)}
    for path in listed(root / FOLDER, "*.json"):
        facts = _read(path)
        if facts is None:
            continue
        suite, last = frozenset([facts["suite"]]), written_at(path) or 0.0
        for name, rows in facts["artifacts"].items():
            known[name] = known.get(name, Use()) | Use(suite, frozenset(rows), last)
        if path.stem in living:
            living.remove(path.stem)
            held.update(facts["artifacts"])
    unclear += [root / FOLDER / f"{stem}.json" for stem in sorted(living)]
    return Uses(known, frozenset(held), tuple(unclear))


def forget(root: Path, ended: Collection[str] = ()) -> None:
    """Remove the locks of dead processes, and the notes of plans without any artifact.

    Remove also the notes of the suites ``ended``, unless a process works on the plan. Call this
    function under `changing`.
    """
    living = set[str]()
    for lease in _leases(root):
        if _is_over(lease):
            lease.unlink(missing_ok=True)
        else:
            living.add(lease.name.partition(".")[0])
    for path in listed(root / FOLDER, "*.json"):
        facts = _read(path)
        left = facts and any((root / name).is_dir() for name in facts["artifacts"])
        over = facts is not None and facts["suite"] in ended
        if (over or not left) and path.stem not in living:
            path.unlink(missing_ok=True)


def _leases(root: Path) -> list[Path]:
    return [path for path in (root / FOLDER).glob("*.lock") if path.name != _CHANGING]


def _is_over(lease: Path) -> bool:
    """Tell whether the process that held a lock is dead; say no if that is not known."""
    lock = FileLock(lease)
    try:
        lock.acquire(timeout=0)
    except (OSError, NotImplementedError, Timeout):
        return False
    lock.release()
    return True


def written_at(path: Path) -> float | None:
    """Return when a file was last written, in seconds since 1970; None if it is gone.

    Return the present time for a date in the future, which a wrong clock has set: such a file
    would never become old.
    """
    try:
        return min(max(path.stat().st_mtime, 0.0), time.time())
    except OSError:
        return None


def _read(path: Path) -> dict[str, Any] | None:
    """Return the suite and the artifacts in a note; None if it is damaged."""
    try:
        facts = read_sealed(path)
    except EffbenchError:
        return None
    whole = isinstance(facts.get("suite"), str) and isinstance(facts.get("artifacts"), dict)
    return facts if whole else None
