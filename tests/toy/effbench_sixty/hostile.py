"""What hostile plugins share: an option ``does`` that names a place and what happens there."""

from __future__ import annotations

import asyncio
import builtins
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

Deed = Callable[[Any, Any], Any]
"""Gets the plugin's object and the honest answer at that place, and gives another."""

Table = Mapping[str, Mapping[str, Deed]]
"""Place -> name -> what happens there."""


class Hostile:
    """Is honest everywhere but at one place."""

    tables: ClassVar[tuple[Table, ...]] = ()
    does: str

    @classmethod
    def check(cls, *, does: str, **_: Any) -> None:
        """Be asked while a suite is planned."""
        blank = cls.__new__(cls)
        blank.does = does
        blank.at("check")

    def at(self, place: str, honest: Any = None) -> Any:
        """Return the answer of a place: the honest one, unless ``does`` names the place."""
        where, _, name = self.does.partition(": ")
        if where != place:
            return honest
        for table in self.tables:
            if name in table.get(place, {}):
                return table[place][name](self, honest)
        raise LookupError(self.does)


class StoppedError(BaseException):
    """What libraries derive from `BaseException`, as `KeyboardInterrupt` is."""


class UnshownError(Exception):
    def __str__(self) -> str:
        raise SystemExit(0)


class UnspokenError(Exception):
    def __str__(self) -> str:
        return 7  # type: ignore[return-value]


class HiddenError(Exception):
    """Its traceback cannot be written either."""

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]
        raise SystemExit(0)


class OddText(str):
    """A text that says something else, and ends the program when somebody works with it."""

    __slots__ = ()

    def __format__(self, _: str) -> str:
        return "two words\n"

    def __eq__(self, _: object) -> bool:
        raise SystemExit(0)

    __hash__ = split = isascii = encode = lower = strip = __eq__  # type: ignore[assignment]
    __lt__ = __len__ = __iter__ = __repr__ = __str__ = __eq__  # type: ignore[assignment]


class OddNumber(int):
    """A number that is spelled as two."""

    def __format__(self, _: str) -> str:
        return "7 7"

    __str__ = __repr__ = lambda self: "7 7"  # type: ignore[assignment]


def always(value: Any) -> Any:
    """Return the deed of giving this in place of all."""
    return lambda _, __: value


def raising(make: Callable[[], BaseException]) -> Deed:
    """Return the deed of raising an error."""

    def deed(_: Any, __: Any) -> Any:
        raise make()

    return deed


def deeper(plugin: Any, honest: Any) -> Any:
    """Never come to an end."""
    return [deeper(plugin, honest)]


def late(_: Any, __: Any) -> Any:
    """Raise long after the start, so that an endless bar would be seen."""
    time.sleep(0.01)
    raise TimeoutError("the host does not answer")


def absent(_: Any, __: Any) -> Any:
    """Be no attribute at all."""
    raise AttributeError("no such attribute")


group = vars(builtins).get("ExceptionGroup", ValueError)
"""Python has it from 3.11 on."""

ERRORS: dict[str, Deed] = {
    "Exception": raising(lambda: ValueError("out of luck")),
    "SystemExit": raising(lambda: SystemExit(0)),
    "BaseException": raising(lambda: StoppedError("stopped")),
    "GeneratorExit": raising(GeneratorExit),
    "StopIteration": raising(lambda: StopIteration("over")),
    "CancelledError": raising(asyncio.CancelledError),
    "MemoryError": raising(MemoryError),
    "RecursionError": deeper,
    "UnicodeDecodeError": raising(lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")),
    "TimeoutError": late,
    "no text": raising(UnshownError),
    "text that is none": raising(UnspokenError),
    "no notes": raising(HiddenError),
    "no message": raising(lambda: RuntimeError()),
    "a megabyte of text": raising(lambda: RuntimeError("x" * 2**20)),
    "control characters": raising(lambda: RuntimeError("\x1b]0;gone\x07\x1b[2J\x00\x08\x9b1m")),
    "newlines": raising(lambda: RuntimeError("one\ntwo\r\nthree\u2028four\x0bfive")),
    "half a character": raising(lambda: RuntimeError("half \ud83d")),
    "brackets": raising(lambda: RuntimeError("[bold red]x[/] [link=file:///etc]")),
    "an ExceptionGroup": raising(lambda: group("both", [ValueError(1), OSError(2)])),
    "an error of a file": raising(lambda: FileNotFoundError(2, "No such file", "a/file")),
    "a broken pipe": raising(lambda: BrokenPipeError(32, os.strerror(32))),
}
