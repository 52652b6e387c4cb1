"""Parts: calls are counted while they are recorded, and not otherwise."""

from __future__ import annotations

import pytest

from effbench.work.parts import Parts


def test_calls_are_added_up_by_name_while_they_are_recorded(monkeypatch) -> None:
    ticks = iter(range(0, 1000, 5))
    monkeypatch.setattr("effbench.work.parts.perf_counter_ns", lambda: next(ticks))
    parts = Parts()
    inner = parts.named("inner", lambda x: x + 1)
    outer = parts.named("outer", lambda x, *, times: sum(inner(x) for _ in range(times)))
    parts.named("idle", print)
    assert outer(1, times=3) == 6
    assert parts.recorded(lambda: outer(1, times=2)) == {"inner": 10, "outer": 25, "idle": 0}
    assert parts.recorded(lambda: inner(1)) == {"inner": 5, "outer": 0, "idle": 0}
    assert parts.names == ("inner", "outer", "idle")


def test_nothing_is_recorded_after_an_error() -> None:
    parts = Parts()
    half = parts.named("half", lambda x: 1 / x)
    with pytest.raises(ZeroDivisionError):
        parts.recorded(lambda: half(0))
    half(1)
    assert parts.recorded(lambda: None) == {"half": 0}
