"""What a record holds: values and parts that do not fit are named."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from altered import put
from effbench.latency import recorded as sessions
from effbench.run import recorded
from effbench.store import door
from made_records import file_of


@pytest.mark.parametrize("value", [1.5, -0.5, 1e300])
def test_values_that_no_such_measure_has_are_named(
    two_suites: Path, left_out, value: float
) -> None:
    path = file_of(two_suites, "record")
    put(path, "per_query.nDCG@10", {"q0": value})
    put(path, "scores.nDCG@10", value)
    left_out(path, str(value))


@pytest.mark.parametrize("wrong", [{"same": 3}, {"seen": 4}, {"same": -1}, {"queries": None}])
def test_an_overlap_of_more_than_there_is_is_named(
    two_suites: Path, left_out, wrong: dict[str, object]
) -> None:
    path = file_of(two_suites, "record")
    put(path, "overlap", {"queries": 2, "same": 2, "judgments": 3, "seen": 3} | wrong)
    left_out(path, "overlap")


def test_what_lacks_a_part_is_named(two_suites: Path, left_out) -> None:
    for kind in ("record", "suite"):
        path = file_of(two_suites, kind)
        good = json.loads(path.read_text())
        for name in good.keys() - {"k", "passages", "trained_on", "versions", "latency"}:
            path.write_text(json.dumps({n: v for n, v in good.items() if n != name}))
            left_out(path, name)
        path.write_text(json.dumps(good))


def _unions(kind: Any) -> typing.Iterator[Any]:
    if isinstance(kind, msgspec.inspect.UnionType):
        yield kind
    for name in getattr(kind, "__struct_fields__", ()):
        value = getattr(kind, name)
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, msgspec.inspect.Type | msgspec.inspect.Field):
                yield from _unions(inner)


@pytest.mark.parametrize("kind", [recorded.Record, recorded.SuiteFacts, sessions.Header])
def test_no_union_kills_the_process(kind: Any) -> None:
    """msgspec 0.22.0 writes past its memory where a pattern meets a list or a mapping."""
    for union in _unions(msgspec.inspect.type_info(kind)):
        names = {type(one).__name__ for one in union.types}
        patterns = [one for one in union.types if getattr(one, "pattern", None)]
        assert not (patterns and names & {"ListType", "DictType"}), (kind, union)


def test_the_largest_honest_record_is_read(tmp_path: Path) -> None:
    """10,000 queries and five measures take a fiftieth of what may be read."""
    values = {f"query-{number}": number / 10_000 for number in range(10_000)}
    text = json.dumps({f"nDCG@{k}": values for k in range(5)}).encode()
    assert len(text) * 50 < door.LARGEST
    (tmp_path / "a.json").write_bytes(text)
    assert door.parsed(door.content(tmp_path / "a.json"), tmp_path)["nDCG@0"] == values
