"""The exception that stands for a user's mistake, and for data that nobody could fetch."""

from __future__ import annotations


class EffbenchError(Exception):
    """A mistake the user can mend: one line that says where, what and how.

    The command line shows it without a traceback; any other exception is a bug (ours or
    a plugin's) and keeps its traceback.
    """


class UnreadableError(EffbenchError):
    """All the files asked for are damaged; as where some are, the exit code is 1."""


class NoDataError(EffbenchError):
    """Data that only the user can bring is not there: cells that need it are skipped."""
