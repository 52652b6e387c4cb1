"""Paths that a user names: made absolute, and checked before a run writes there."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from effbench.api.errors import EffbenchError
from effbench.store.disk import check_room


def inside(beside: Path, named: str | Path) -> Path:
    """Return the absolute path that a suite names; a relative path starts at ``beside``.

    Raises:
        EffbenchError: the system allows no such path, or knows no home folder of the user.

    """
    text = str(named)[:80]
    try:
        path = (beside / expanded(named)).resolve()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.stat()  # the system refuses a name that is too long; `exists` hides that
    except (OSError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        # Python 3.13 and newer meet a circle only where they look for the file
        if isinstance(error, RuntimeError) or reason == os.strerror(errno.ELOOP):
            reason = "links lead in a circle"
        raise EffbenchError(f"{text!r}: {reason} (name a path that can be)") from error
    return path


def expanded(named: str | Path) -> Path:
    """Return a path with ``~`` replaced: a shell leaves ``--cache=~/c`` unchanged.

    Raises:
        EffbenchError: the system knows no home folder of the user.

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
    """Return the absolute home folder of the user; an empty HOME counts as no home folder.

    Raises:
        EffbenchError: the system knows no home folder.

    """
    with contextlib.suppress(RuntimeError):  # in containers: a user without a name
        if os.environ.get("HOME") != "":
            return Path.home().absolute()
    raise EffbenchError(
        "this user has no home folder (set HOME, or name --cache or EFFBENCH_CACHE)"
    )


def check_writable(folder: Path, option: str) -> None:
    """Make a folder and write a test file into it, before a command starts to compute.

    Raises:
        EffbenchError: the folder cannot be made or written; the message names ``option``.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_room(folder)
    except OSError as error:
        raise EffbenchError(
            f"{folder}: cannot be written: {error.strerror} (name another folder: {option})"
        ) from error


def check_here() -> None:
    """Refuse to start in a removed folder, because relative paths have no meaning there.

    Raises:
        EffbenchError: the current folder has been removed.

    """
    try:
        Path.cwd()
    except OSError as error:
        raise EffbenchError(
            f"the current folder: {error.strerror} (it was removed: go to another one)"
        ) from error
