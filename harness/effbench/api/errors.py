"""The exception that stands for a user's mistake, and for data that nobody could fetch."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import TypeGuard


class EffbenchError(Exception):
    """A mistake the user can mend: one line that says where, what and how.

    The command line shows it without a traceback; any other exception is a bug (ours or
    a plugin's) and keeps its traceback.
    """


class UnreadableError(EffbenchError):
    """All the files asked for are damaged; as where some are, the exit code is 1."""


class NoDataError(EffbenchError):
    """Data that only the user can bring is not there: cells that need it are skipped."""


TEMPORARY = re.compile(r"\.([0-9a-f]{16}|[0-9]+)\..+")


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


_SHUT = (errno.EROFS, errno.EACCES, errno.EPERM)


_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY)


DISK = re.compile(
    "|".join(map(os.strerror, (*_FULL, errno.EROFS)))
    + r"|\d+ requested and \d+ written"  # numpy's words
)
"""What the system says of a disk that takes no more; libraries put it into their own errors."""


class DiskError(EffbenchError):
    """A disk that does not take or give a file: says which, why, and what to do."""

    def __init__(self, place: Path | str, error: BaseException) -> None:
        """Say it of what was raised; ``place`` is where, if the error does not say better."""
        said = DISK.search(str(error))
        why = said[0] if said else str(error)
        if isinstance(error, OSError):
            why = error.strerror or why
            name = error.filename and os.fsdecode(error.filename)
            if name and not TEMPORARY.fullmatch(Path(name).name):
                place = name
        elif is_name(error):
            why = f"no name for files in this system's encoding, {error.encoding}"
        super().__init__(f"{place}: {why} ({_advice(error)})")


def is_name(error: BaseException) -> TypeGuard[UnicodeEncodeError]:
    """Tell whether a file's name was refused: what is written into files is UTF-8."""
    return isinstance(error, UnicodeEncodeError) and error.encoding != "utf-8"


def _advice(error: BaseException) -> str:
    if is_name(error):
        return "set PYTHONUTF8=1, or a locale of UTF-8"
    code = error.errno if isinstance(error, OSError) else None
    if code in _FULL or (code is None and DISK.search(str(error))):
        return "free some space, or name another place"
    if code in _SHUT:
        return "let this user read and write it, or name another place"
    if code in _IN_THE_WAY:
        return "a file and a folder cannot be in one place: move what is there"
    return "name another place, or see to the disk and run again"
