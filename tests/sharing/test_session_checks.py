"""Times that are changed by hand, or cannot be true, are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np

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
