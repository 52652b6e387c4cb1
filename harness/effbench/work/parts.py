"""The times of the calls of live objects, added up by name while they are recorded."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Parts:
    """Calls by name; their time is added up only while `recorded` runs."""

    def __init__(self) -> None:
        self._ns: dict[str, int] = {}
        self._recording = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all calls, in the order in which they were named."""
        return tuple(self._ns)

    def named(self, name: str, call: Callable[P, T]) -> Callable[P, T]:
        """Return ``call`` under a name; calls of one name are added up."""
        self._ns[name] = 0

        def called(*arguments: P.args, **options: P.kwargs) -> T:
            if not self._recording:
                return call(*arguments, **options)
            start = perf_counter_ns()
            answer = call(*arguments, **options)
            self._ns[name] += perf_counter_ns() - start
            return answer

        return called

    def recorded(self, work: Callable[[], object]) -> dict[str, int]:
        """Return name -> nanoseconds of its calls while ``work`` ran."""
        self._ns = dict.fromkeys(self._ns, 0)
        self._recording = True
        try:
            work()
        finally:
            self._recording = False
        return dict(self._ns)
