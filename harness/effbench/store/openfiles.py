"""Files of a corpus that stay open: as many as the system allows, the last that were used."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

_SHARE = 8
"""A corpus takes one of so many parts of the files that a process may open."""


class OpenFiles(Generic[T]):
    """What is open of the files of a corpus, by their numbers; each takes a descriptor.

    A corpus of 100 million docs has 6,104 shards, and many systems let a process open 1,024
    files at first.
    """

    def __init__(self, count: int, open_file: Callable[[int], T]) -> None:
        """Note how many files there are, and how to open one by its number."""
        self._open_file, self._most = open_file, most_open(count)
        self._open = OrderedDict[int, T]()

    def __getitem__(self, number: int) -> T:
        if number not in self._open:
            if len(self._open) >= self._most:
                self._open.popitem(last=False)
            self._open[number] = self._open_file(number)
        self._open.move_to_end(number)
        return self._open[number]


def most_open(count: int) -> int:
    """Return how many files of a corpus may be open; raise the process's limit if it is low."""
    try:
        import resource
    except ImportError:  # Windows, where a mapped file takes no place in a table
        return count
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted, endless = count * _SHARE, resource.RLIM_INFINITY
    if soft != endless and soft < wanted:
        raised = wanted if hard == endless else min(wanted, hard)
        with suppress(OSError, ValueError):  # macOS has a limit below its hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    return count if soft == endless else max(1, soft // _SHARE)
