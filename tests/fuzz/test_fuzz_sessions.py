"""Any bytes as latency sessions: they are named and left out, and scores stand."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from board import FORMS, Board, lines, looked
from effbench.latency.samples import COLUMNS
from mutations import CHUNKS, TEXTS, changed, damaged, written, zipped
from trial import FUZZ, tried

KINDS = ["u1", "i8", "u4", ">i4", "f2", "f8", "c16", "?", "S9", "U5", "M8[s]", "V4"]
CLAIMS = [(10**12,), (2**62, 4), (-1,), (0,), (5, 0), ()]
"""Shapes that the header of an array claims, whatever follows it."""

HOW = [
    *["header"] * 16, *["column"] * 8, *["member"] * 6, *["bytes"] * 4, *["folder"] * 2, "bomb",
]  # fmt: skip

OTHERS = ["leaderboard"] * 5 + ["budget", "diff", "diff back", "compare"]


@pytest.fixture(scope="module")
def board(tmp_path_factory) -> Board:
    return Board(tmp_path_factory.mktemp("sessions"))


@st.composite
def arrays(draw: st.DrawFn, array: Any) -> Any:
    """Return a column that is not as it was."""
    how = draw(st.sampled_from(["set", "set", "set", "cut", "kind", "shape", "empty"]))
    array = array.copy()
    if how == "set" and len(array):
        info = np.iinfo(array.dtype)
        values = st.sampled_from([info.min, info.max, 0, 1, 2, info.max // 2])
        array[draw(st.integers(0, len(array) - 1)) :: draw(st.sampled_from([1, 2, 10**6]))] = (
            draw(values)
        )
    elif how == "cut":
        array = array[: draw(st.integers(0, len(array)))]
    elif how == "kind":
        with np.errstate(all="ignore"):
            array = array.astype(draw(st.sampled_from(KINDS)))
    elif how == "shape":
        array = draw(st.sampled_from([array[None], array[:, None], array[:1].reshape(())]))
    return array[:0] if how == "empty" else array


def member(array: Any, claim: tuple[int, ...] | None = None) -> bytes:
    """Return a .npy, whose header may claim another shape."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(array) if array.ndim else array)
    content = file.getvalue()
    if claim is not None:
        file = io.BytesIO()
        header = {"descr": array.dtype.str, "fortran_order": False, "shape": claim}
        np.lib.format.write_array_header_1_0(file, header)
        content = file.getvalue() + content[128:]
    return content


@st.composite
def sessions(draw: st.DrawFn, content: bytes) -> bytes | None:
    """Return a damaged session: its header, its columns, members of the zip or bytes of it."""
    how = draw(st.sampled_from(HOW))
    if how in ("bytes", "folder"):
        return draw(damaged(content)) if how == "bytes" else None
    with np.load(io.BytesIO(content)) as file:
        parts = dict(file)
    members = {f"{name}.npy": member(array) for name, array in parts.items()}
    if how == "bomb":
        return bomb(members["header.npy"])
    if how == "header":
        header = draw(changed(json.loads(parts["header"].tobytes())))
        text = written(header, plain=draw(st.booleans()))
        members["header.npy"] = member(np.frombuffer(text, np.uint8))
    elif how == "column":
        for name in draw(st.lists(st.sampled_from(sorted(parts)), min_size=1, max_size=3)):
            claim = draw(st.sampled_from([None, None, None, *CLAIMS]))
            members[f"{name}.npy"] = member(draw(arrays(parts[name])), claim)
    else:
        name = draw(st.sampled_from(sorted(members)))
        inside = draw(st.one_of(st.none(), damaged(members[name]), st.sampled_from(CHUNKS)))
        members.pop(name)
        if inside is not None:
            members[draw(st.sampled_from([name, name, *TEXTS]))] = inside
    return zipped(members, draw(st.sampled_from([0, 8])))


@functools.cache
def bomb(header: bytes) -> bytes:
    """Return a session of 5 million zeros a column, whose file is small."""
    columns = {
        f"{name}.npy": member(np.zeros(5_000_000, kind)) for name, kind in COLUMNS.items()
    }
    return zipped({"header.npy": header, **columns}, zipfile.ZIP_DEFLATED)


@FUZZ
@given(data=st.data(), form=st.sampled_from(FORMS), other=st.sampled_from(OTHERS))
def test_sessions(board: Board, monkeypatch, data, form, other) -> None:
    monkeypatch.chdir(board.root.parent)
    path = data.draw(st.sampled_from(sorted(board.folder.glob("latency/*.npz"))))
    files = {path: data.draw(sessions(path.read_bytes()))}
    with board.damaged(files):
        found = tried("leaderboard", board.root, "--format", "json")
        assert found.exit_code != 2
        if found.exit_code:
            assert path.name in found.stderr
        assert scores(lines(found)) == scores(board.table)
        looked(board, other, form)


def scores(table):
    return {
        place: {
            name: value for name, value in line.items() if name.startswith(("mean", "nDCG"))
        }
        for place, line in table.items()
    }
