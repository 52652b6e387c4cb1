"""The one exception that stands for a user's mistake."""

from __future__ import annotations


class EffbenchError(Exception):
    """A mistake the user can mend: one line that says where, what and how.

    The command line shows it without a traceback; any other exception is a bug (ours or
    a plugin's) and keeps its traceback.
    """
