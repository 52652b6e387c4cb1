"""Who watches a run: told of work and of notes, never printing by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Somebody who watches."""

    def work(
        self, label: str, total: int | None, unit: str
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Enter a piece of work; call what comes out with the number of units done."""

    def note(self, message: str) -> None:
        """Take one line for the user."""


class Silent:
    """Nobody watches."""

    @contextmanager
    def work(self, label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        """Show nothing of it."""
        yield lambda _: None

    def note(self, message: str) -> None:
        """Forget it."""
