"""Paths that suites name, and folders that must take what is written."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from effbench.api.errors import EffbenchError
from effbench.store.disk import check_room


def inside(beside: Path, named: str | Path) -> Path:
    """Return a path that a suite names, absolute: relative ones start at ``beside``.

    Raises:
        EffbenchError: the system can have no such path, or knows no such user's home.

    """
    text = str(named)[:80]
    try:
        path = (beside / expanded(named)).resolve()
        path.exists()  # too long a name is noticed by who asks the system
    except RuntimeError as error:
        raise EffbenchError(
            f"{text!r}: links lead in a circle (name a path that can be)"
        ) from error
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise EffbenchError(f"{text!r}: {said} (name a path that can be)") from error
    return path


def expanded(named: str | Path) -> Path:
    """Return a path whose ``~`` is a home folder: no shell expands it in ``--cache=~/c``.

    Raises:
        EffbenchError: the system knows no such user's home.

    """
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        text = str(named)[:80]
        raise EffbenchError(
            f"{text!r}: no home folder of that user is known (write out the whole path, or "
            f"quote './{text}' for a folder of that name)"
        ) from error


def home() -> Path:
    """Return the user's home folder, absolute; an empty HOME is none.

    Raises:
        EffbenchError: the system knows of none.

    """
    with contextlib.suppress(RuntimeError):  # in containers: a user without a name
        if os.environ.get("HOME") != "":
            return Path.home().absolute()
    raise EffbenchError(
        "this user has no home folder (set HOME, or name --cache or EFFBENCH_CACHE)"
    )


def check_writable(folder: Path, option: str) -> None:
    """Make a folder, and refuse one that takes no file, before anything is worked out for it.

    Raises:
        EffbenchError: it cannot be made or written.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_room(folder)
    except OSError as error:
        raise EffbenchError(
            f"{folder}: cannot be written: {error.strerror} (name another folder: {option})"
        ) from error


def check_here() -> None:
    """Refuse to start in a folder that is no more: no relative path means anything there.

    Raises:
        EffbenchError: somebody has removed it.

    """
    try:
        Path.cwd()
    except OSError as error:
        raise EffbenchError(
            f"the current folder: {error.strerror} (it was removed: go to another one)"
        ) from error
