"""The errors that users see: a mistake, missing data, a disk that refuses a file."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import TypeGuard


class EffbenchError(Exception):
    """A mistake that the user can mend: one line that says where, what, and how to mend it.

    The command line shows it without a traceback. Every other exception is a bug of effbench
    or of a plugin, and keeps its traceback.
    """


class UnreadableError(EffbenchError):
    """All files that a command must read are damaged; the exit code is 1."""


class NoDataError(EffbenchError):
    """Data that only the user can provide is missing: the run skips the cells that need it."""


TEMPORARY = re.compile(r"\.([0-9a-f]{16}|[0-9]+)\..+")
"""Names of the temporary files that effbench writes before it renames them."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SHUT = (errno.EROFS, errno.EACCES, errno.EPERM)
_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY)

DISK = re.compile(
    "|".join(map(os.strerror, (*_FULL, errno.EROFS)))
    + r"|\d+ requested and \d+ written"  # numpy's words
)
"""The system's message for a full or read-only disk; libraries copy it into their errors."""


class DiskError(EffbenchError):
    """A disk refuses to write or read a file: the message says which, why, and what to do."""

    def __init__(self, place: Path | str, error: BaseException) -> None:
        """Describe ``error``; ``place`` is the path to name when ``error`` names no file."""
        refusal = DISK.search(str(error))
        why = refusal[0] if refusal else str(error)
        if isinstance(error, OSError):
            why = error.strerror or why
            name = error.filename and os.fsdecode(error.filename)
            if name and not TEMPORARY.fullmatch(Path(name).name):
                place = name
        elif is_name(error):
            why = f"no name for files in this system's encoding, {error.encoding}"
        super().__init__(f"{place}: {why} ({_advice(error)})")


def is_name(error: BaseException) -> TypeGuard[UnicodeEncodeError]:
    """Tell whether the system refused a file's name; the content of files is always UTF-8."""
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
