"""Paths that suites name, and folders that must take what is written."""

from __future__ import annotations

import tempfile
from pathlib import Path

from effbench.errors import EffbenchError


def inside(beside: Path, named: str | Path) -> Path:
    """Return a path that a suite names, absolute: relative ones start at ``beside``.

    Raises:
        EffbenchError: the system can have no such path, or knows no such user's home.

    """
    text = str(named)[:80]
    try:
        given = Path(named).expanduser()
    except RuntimeError as error:
        raise EffbenchError(
            f"{text!r}: no home folder of that user is known (write out the whole path, or "
            f"quote './{text}' for a folder of that name)"
        ) from error
    try:
        path = (beside / given).resolve()
        path.exists()  # too long a name is noticed by who asks the system
    except RuntimeError as error:
        raise EffbenchError(
            f"{text!r}: links lead in a circle (name a path that can be)"
        ) from error
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise EffbenchError(f"{text!r}: {said} (name a path that can be)") from error
    return path


def home() -> Path:
    """Return the user's home folder.

    Raises:
        EffbenchError: the system knows of none.

    """
    try:
        return Path.home()
    except RuntimeError as error:  # in containers: a user without a name and without HOME
        raise EffbenchError(
            "this user has no home folder (set HOME, or name --cache or EFFBENCH_CACHE)"
        ) from error


def check_writable(folder: Path, option: str) -> None:
    """Make a folder, and refuse one that takes no file, before anything is worked out for it.

    Raises:
        EffbenchError: it cannot be made or written.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix="."):
            pass
    except OSError as error:
        raise EffbenchError(
            f"{folder}: cannot be written: {error.strerror} (name another folder: {option})"
        ) from error
