"""Times that are changed by hand, or cannot be true, are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from effbench.latency import archive
from effbench.latency.recorded import COLUMNS
from made_sessions import write_session


def resaved(path: Path, alter) -> None:
    """Change a session's header or times by hand, and leave its checksum."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    alter(arrays)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


TIMES = [float(i % 5 + 3) for i in range(20)]


def spans(encode: float = 1.0, whole: float = 1.0) -> dict[str, list[float]]:
    return {
        "encode": [ms * encode for ms in TIMES],
        "end to end": [ms * whole for ms in TIMES],
    }


def test_a_time_that_was_changed_is_refused(folder, refused) -> None:
    path = write_session(folder, "data-0", {"cell": spans()})
    assert refused() == []
    resaved(path, lambda arrays: arrays["ns"].__setitem__(0, 7))
    (line,) = refused()
    assert "its checksum does not hold" in line


def test_a_time_that_is_missing_is_refused(folder, refused) -> None:
    write_session(folder, "data-0", {"cell": {**spans(), "end to end": TIMES[:-1]}})
    assert "and 20 queries were asked once" in "\n".join(refused())


def test_a_whole_that_is_shorter_than_its_parts_is_refused(folder, refused) -> None:
    write_session(folder, "data-0", {"cell": spans(whole=0.1)})
    (line,) = refused()
    assert "end to end takes 0.5 ms, and encode alone 5 ms" in line


def test_another_protocol_is_refused(folder, refused) -> None:
    write_session(folder, "data-0", {"cell": spans()}, conditions={"protocol": 2})
    (line,) = refused()
    assert "protocol 2, and 3 is wanted" in line


def test_a_row_whose_parts_are_too_short_for_the_whole_is_refused(folder, refused) -> None:
    faster = {"encode": [ms / 4 for ms in TIMES], "search": [0.1] * 20, "end to end": TIMES}
    write_session(folder, "data-0", {"cell": faster})
    (line,) = refused()
    assert "end to end takes 5 ms, and its parts take only 1.35 ms" in line


def without(arrays, which) -> None:
    for name in COLUMNS:
        arrays[name] = arrays[name][~which]


def changed(path: Path, alter) -> None:
    """Change a session's header and columns by hand, and write its checksum anew."""

    def seal(arrays) -> None:
        header = json.loads(arrays["header"].tobytes())
        alter(header, arrays)
        header["sha256"] = archive.checksum(header, arrays)
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)

    resaved(path, seal)


HIDDEN = {
    "3 processes started, and 2 timed 'encode'": lambda header, arrays: without(
        arrays, arrays["process"] == 1
    ),
    "process 0 has times of blocks that are not listed": lambda header, arrays: header.update(
        blocks=header["blocks"][1:]
    ),
    "it has no times of 'end to end'": lambda header, arrays: without(
        arrays, arrays["span"] == header["spans"].index("end to end")
    ),
    "its conditions say 150 queries, and it timed 20": lambda header, arrays: header[
        "conditions"
    ].update(queries=150),
}


@pytest.mark.parametrize("reason", HIDDEN)
def test_what_was_measured_and_is_left_out_is_refused(folder, refused, reason) -> None:
    path = write_session(folder, "data-0", {"cell": spans()}, processes=3)
    changed(path, HIDDEN[reason])
    (line,) = refused()
    assert reason in line


@pytest.mark.parametrize("age", [{"started": "2026-11-28T00:00:00+00:00"}, {"pack": "f" * 64}])
def test_a_session_without_a_checksum_is_refused_if_it_had_one(folder, refused, age) -> None:
    def unsealed(arrays) -> None:
        header = json.loads(arrays["header"].tobytes()) | age
        del header["sha256"]
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)

    resaved(write_session(folder, "data-0", {"cell": spans()}), unsealed)
    (line,) = refused()
    assert "it has no checksum, and sessions of its age have one" in line
