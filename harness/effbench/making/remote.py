"""The part of a worker that runs on a node of a cluster: a hand, and its news for the driver.

The hand has worker processes of its own there, so limits, groups of plugins and deaths are
those of a run on one machine. No code of a plugin runs in the process of this module.
"""

from __future__ import annotations

import os
import platform
import queue
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from effbench.making.hand import Group, Hand
from effbench.making.maker import Told
from effbench.making.messages import Event, Made, Order, Source
from effbench.making.process import Died, Limits
from effbench.store.digests import spec_of
from effbench.text.raised import message_of
from effbench.work import code

NEWS_SECONDS = 1.0
"""The longest time for which a question for news waits."""

SHARED = ("EFFBENCH_", "HF_", "IR_DATASETS_", "TOKENIZERS_", "TRANSFORMERS_")
"""The beginnings of the environment variables that a node takes over from the driver."""


class News(NamedTuple):
    """What has happened since the last question."""

    events: list[Event]
    made: Made | None = None
    """The answer to the order; None if there is none yet."""

    died: str = ""
    """How the worker process has died; "" if it has not."""


class Installed(NamedTuple):
    """What must be equal on the driver's machine and on a node."""

    python: str
    effbench: str
    code: str
    """The digest of effbench's files: a version may have several states of development."""


def installed() -> Installed:
    """Return what is installed here."""
    python = platform.python_version()
    return Installed(python, version("effbench"), code.digest("effbench"))


class Settings(NamedTuple):
    """What the processes of nodes take over from the driver."""

    environ: Mapping[str, str]
    path: list[str]
    """The places of imports."""

    @classmethod
    def here(cls) -> Settings:
        """Return those of this process."""
        shared = {name: text for name, text in os.environ.items() if name.startswith(SHARED)}
        return cls(shared, [os.fspath(path or Path.cwd()) for path in sys.path])

    def take(self) -> None:
        """Take them over in this process, which Ray has started."""
        os.environ.update(self.environ)
        sys.path += [path for path in self.path if path not in sys.path and Path(path).exists()]


class Remote:
    """A hand on a node. An order is begun, and the driver asks for news until it is done."""

    def __init__(
        self,
        source: Source,
        device: str | None,
        threads: int,
        patience: float,
        memory: int | None,
        settings: Settings,
    ) -> None:
        """Start a worker process, which plans the suite; ``memory`` None is the default."""
        settings.take()
        _leave_out_ray()
        self._news: queue.SimpleQueue[Event | Made | str] = queue.SimpleQueue()
        starter = ThreadPoolExecutor(1, "starter")
        limits, told = Limits.of(patience, memory), Told(self._news.put)
        self._hand = Hand(source, device, threads, limits, told, starter)
        self._hand.start(frozenset())

    def look(self, token: str) -> tuple[str, Installed, bool]:
        """Return this node's name, what it has installed, and whether it sees a file."""
        return platform.node(), installed(), Path(token).exists()

    def plan(self) -> str:
        """Wait until the suite is planned here; return how that failed, or ""."""
        try:
            self._hand.ready(frozenset())
        except Died as error:
            self._hand.end()
            return str(error)
        return ""

    def begin(self, group: Group, order: Order) -> None:
        """Begin to make a step or a piece."""
        threading.Thread(target=self._make, args=(group, order), daemon=True).start()

    def news(self) -> News:
        """Return the news; wait a little if there are none."""
        events: list[Event] = []
        try:
            while True:
                match self._news.get(timeout=0 if events else NEWS_SECONDS):
                    case Made() as made:
                        return News(events, made)
                    case str(died):
                        return News(events, died=died)
                    case event:
                        events.append(event)
        except queue.Empty:
            return News(events)

    def end(self, *, soft: bool) -> None:
        """End the worker processes; with ``soft``, a training may first save its work."""
        self._hand.end(soft=soft)

    def _make(self, group: Group, order: Order) -> None:
        try:
            self._news.put(self._hand.make(group, order))
        except Died as error:
            self._news.put(str(error))
        except BaseException as error:
            self._news.put(f"failed: {message_of(error)}")


def _leave_out_ray() -> None:
    """Remove Ray's copies of packages from the path of imports, which workers inherit."""
    spec = spec_of("ray")
    places = [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    sys.path[:] = [
        path for path in sys.path if not any(place in Path(path).parents for place in places)
    ]
