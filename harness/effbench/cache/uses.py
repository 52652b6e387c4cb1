"""Who uses a store's artifacts, and who does right now: so that none is freed under a run.

The store's folder `FOLDER` has a file for each plan that was run: the suite, and the rows of
each artifact. Its date is the last use. Beside it each process that works on the plan holds a
lock, which the system drops when the process dies; whoever frees looks at these locks. To take
its lock, and to take artifacts away, a process is alone (`changing`): neither meets the other
half way.
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
from effbench.store.disk import listed, read_sealed, write_json
from effbench.work.step import all_steps

if TYPE_CHECKING:
    from effbench.plan.cells import Plan
    from effbench.store.artifacts import Store

FOLDER = "uses"
"""In a store's root."""

_CHANGING = "changing.lock"


class Use(NamedTuple):
    """Who has used an artifact, and when last."""

    suites: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()
    last: float = 0.0
    """Seconds since 1970; 0 where nobody has noted it."""

    def __or__(self, other: Use) -> Use:
        return Use(
            self.suites | other.suites, self.rows | other.rows, max(self.last, other.last)
        )


class Uses(NamedTuple):
    """What a store knows of the uses of its artifacts; these are named KIND/KEY."""

    known: Mapping[str, Use]
    held: frozenset[str]
    """Those of plans that some process works on now."""

    unclear: tuple[Path, ...]
    """Files of plans that some process works on now, of which nobody can read what it uses."""

    def holds(self, name: str) -> bool:
        """Tell whether some process uses an artifact now, or may use it."""
        return bool(self.unclear) or name in self.held


def rows_of(plan: Plan) -> dict[str, list[str]]:
    """Return the artifacts of a plan, KIND/KEY -> the rows that need it."""
    found: dict[str, dict[str, None]] = {}
    for cell in plan.cells:
        for key, step in all_steps((cell.search,)).items():
            found.setdefault(f"{step.kind}/{key}", {})[cell.row.name] = None
    return {name: list(rows) for name, rows in found.items()}


@contextmanager
def using(store: Store, plan: Plan) -> Iterator[None]:
    """Keep the artifacts of a plan from being freed while the body runs, and note their use.

    A store that takes no file is left as it is: what is finished there can still be read.
    """
    with contextlib.ExitStack() as kept:
        with contextlib.suppress(OSError, EffbenchError, NotImplementedError):
            _begin(store.root, plan, kept)
        yield


def _begin(root: Path, plan: Plan, kept: contextlib.ExitStack) -> None:
    facts = {"suite": plan.suite.name, "artifacts": rows_of(plan)}
    path = root / FOLDER / f"{digest_of(facts)}.json"
    # drawn by chance: processes of two containers may have one number
    lease = path.with_name(f"{path.stem}.{secrets.token_hex(8)}.lock")
    with changing(root):
        if _read(path) is None:
            write_json(path, facts)
        with contextlib.suppress(OSError):  # another user's note, which dates itself
            os.utime(path)
        lock = FileLock(lease)
        lock.acquire()  # who looks whether we live may have it for a moment
    kept.callback(_end, path, lock, lease)


def _end(path: Path, lock: FileLock, lease: Path) -> None:
    with contextlib.suppress(OSError):
        os.utime(path)  # a run may take weeks
    lock.release()
    with contextlib.suppress(OSError):
        lease.unlink(missing_ok=True)


@contextmanager
def changing(root: Path) -> Iterator[None]:
    """Be the only process that begins to use artifacts, or takes some away.

    Raises:
        OSError: there can be no lock.

    """
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _CHANGING):
        yield


def read(root: Path) -> Uses:
    """Return what a store knows of uses; files that cannot be read say nothing."""
    known, held, unclear = dict[str, Use](), set[str](), list[Path]()
    living = {lease.name.partition(".")[0] for lease in _leases(root) if not _over(lease)}
    for path in listed(root / FOLDER, "*.json"):
        facts = _read(path)
        if facts is None:
            continue
        suite, last = frozenset([facts["suite"]]), date(path) or 0.0
        for name, rows in facts["artifacts"].items():
            known[name] = known.get(name, Use()) | Use(suite, frozenset(rows), last)
        if path.stem in living:
            living.remove(path.stem)
            held.update(facts["artifacts"])
    unclear += [root / FOLDER / f"{stem}.json" for stem in sorted(living)]
    return Uses(known, frozenset(held), tuple(unclear))


def forget(root: Path, ended: Collection[str] = ()) -> None:
    """Remove the locks of dead processes, and files of plans of which nothing is left.

    Files of suites that ``ended`` go too, unless a process works on their plan.

    Call it under `changing`.
    """
    living = set[str]()
    for lease in _leases(root):
        if _over(lease):
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


def _over(lease: Path) -> bool:
    """Tell whether the process that held a lock is dead; where nobody can tell, it lives."""
    lock = FileLock(lease)
    try:
        lock.acquire(timeout=0)
    except (OSError, NotImplementedError, Timeout):
        return False
    lock.release()
    return True


def date(path: Path) -> float | None:
    """Return when a file was last written; None if it is gone.

    What a wrong clock has dated ahead is of now: calendars end, and it would never be old.
    """
    try:
        return min(max(path.stat().st_mtime, 0.0), time.time())
    except OSError:
        return None


def _read(path: Path) -> dict[str, Any] | None:
    """Return a plan's suite and artifacts, if its file is whole."""
    try:
        facts = read_sealed(path)
    except EffbenchError:
        return None
    whole = isinstance(facts.get("suite"), str) and isinstance(facts.get("artifacts"), dict)
    return facts if whole else None
