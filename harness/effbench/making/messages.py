"""The messages of a worker that makes steps: its commands' arguments, events and answers."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from effbench.work.failures import Reason


class Source(msgspec.Struct, frozen=True):
    """What a worker plans from: the text that the suite had when the run began, and places."""

    path: str
    """The suite's file; only its name and its folder matter."""

    text: str
    data: str
    """The folder in which relative paths of the suite start."""

    cache: str
    verbose: bool
    """Whether what plugins log is shown."""


class Order(msgspec.Struct, frozen=True):
    """The order to make a step, or a piece of it."""

    key: str
    sound: list[str]
    """The keys of the finished steps that it reads: their files need no check."""

    piece: tuple[int, int] | None = None
    """The first shard and the shard after the last one; None for the whole step."""


class Begun(msgspec.Struct, tag=True):
    """A piece of work has begun: see `effbench.work.progress.Tally`."""

    work: int
    label: str
    total: int | None
    unit: str


class Counted(msgspec.Struct, tag=True):
    """A piece of work has come so far."""

    work: int
    done: int
    before: int
    total: int | None
    unit: str


class Over(msgspec.Struct, tag=True):
    """A piece of work is done."""

    work: int


class Noted(msgspec.Struct, tag=True):
    """A line for the user."""

    text: str


Event: TypeAlias = Begun | Counted | Over | Noted


class Ready(msgspec.Struct):
    """The answer of a worker that has planned the suite."""


class Made(msgspec.Struct):
    """The answer to an order."""

    failed: Reason | None = None
    """Why the step could not be made; None if it is made."""

    distrusted: bool = False
    """Whether finished artifacts must be checked again."""
