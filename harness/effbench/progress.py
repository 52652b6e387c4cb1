"""Who watches a run: told of work and of notes, never printing by itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    """Somebody who watches."""

    def work(
        self, label: str, total: int | None, unit: str
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Enter a piece of work; call what comes out with the number of units done."""

    def note(self, message: str) -> None:
        """Take one line for the user."""
