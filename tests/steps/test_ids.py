"""Ids and vectors of a finished encoding on disk, read by row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from effbench.steps.ids import Ids, ids_at, ids_by_row
from effbench.steps.shards import DiskVectors, read_rows
from effbench.store.artifacts import Artifact
from effbench.store.disk import save_array

SHARDS = [["a", "bb", "Grüße"], ["d" * 300], ["5", "6"]]
EVERY = [doc_id for shard in SHARDS for doc_id in shard]
VECTORS = np.arange(12, dtype=np.float16).reshape(6, 2) / 3


@pytest.fixture
def folder(tmp_path):
    """A finished encoding of six docs in three shards, kept as float16."""
    artifact, first = Artifact(tmp_path / "encode" / "key"), 0
    artifact.folder.mkdir(parents=True)
    for number, ids in enumerate(SHARDS):
        part = VECTORS[first : first + len(ids)]
        artifact.put(f"{number:05}.npy", lambda path, part=part: save_array(path, part))
        artifact.put_text(f"{number:05}.ids", "".join(f"{doc_id}\n" for doc_id in ids))
        first += len(ids)
    artifact.finish({})
    return artifact.folder


@pytest.mark.parametrize("rows", [[], [0], [5, 0, 3, 3, 2], [2, 1, 0], [4, 5]])
def test_ids_are_read_by_row_in_the_order_of_the_question(folder, rows) -> None:
    assert Ids(folder).at(np.array(rows, dtype=np.int64)) == [EVERY[row] for row in rows]


def test_the_ids_of_an_encoding_are_a_sequence(folder, monkeypatch) -> None:
    ids = Ids(folder)
    assert (len(ids), list(ids), ids[3], ids[1:4]) == (6, EVERY, EVERY[3], EVERY[1:4])
    for few in (6, 5):  # as a list, and read from the files
        monkeypatch.setattr("effbench.steps.ids.FEW", few)
        assert ids_by_row(folder)([5, 0, 3]) == [EVERY[5], EVERY[0], EVERY[3]]
        assert ids_by_row(folder)([]) == []


def test_few_shards_stay_open(folder, monkeypatch) -> None:
    monkeypatch.setattr("effbench.steps.ids._OPEN", 1)
    ids = Ids(folder)
    for row in (0, 5, 1, 3, 2):
        assert ids[row] == EVERY[row]


def test_only_the_rows_that_exist_have_an_id(folder) -> None:
    assert ids_at(folder, iter([5, -1, 6, 0, 5])) == {0: "a", 5: "6"}


@pytest.mark.parametrize("rows", [slice(0, 2), slice(2, 5), slice(None), slice(4, 4)])
def test_float16_on_disk_is_read_as_float32_or_as_it_is(folder, rows) -> None:
    vectors = DiskVectors(folder)
    assert vectors.dtype == np.float16
    assert vectors[rows].dtype == np.float32
    assert vectors.kept(rows).dtype == np.float16
    assert (vectors[rows] == VECTORS[rows].astype(np.float32)).all()
    assert (vectors.kept(rows) == VECTORS[rows]).all()
    assert (vectors.at(np.array([5, 0])) == VECTORS[[5, 0]]).all()


SMAPS = Path("/proc/self/smaps")


def read_singly(folder: Path) -> list[str]:
    """Return the shards around whose rows the system reads nothing more, as SMAPS has it."""
    found, name = [], ""
    for line in SMAPS.read_text().splitlines():
        if str(folder) in line:
            name = Path(line.split()[-1]).name
        elif line.startswith("VmFlags:"):
            found += [name] * (bool(name) and "rr" in line.split())
            name = ""
    return found


@pytest.mark.skipif(not SMAPS.exists(), reason="only Linux tells how it reads ahead")
def test_single_rows_are_read_without_their_neighbours(folder) -> None:
    vectors = DiskVectors(folder)
    assert len(vectors[0:3]) == 3
    assert read_singly(folder) == []
    assert (vectors[4:5] == VECTORS[4:5]).all()
    assert read_singly(folder) == ["00002.npy"]
    assert (vectors.at(np.array([3, 1])) == VECTORS[[3, 1]]).all()
    assert read_singly(folder) == ["00002.npy"]  # candidates of a search may be neighbours
    assert (read_rows([vectors], np.array([[0, 3], [0, 1]])) == VECTORS[[3, 1]]).all()
    assert sorted(read_singly(folder)) == ["00000.npy", "00001.npy", "00002.npy"]


def test_a_corpus_with_more_shards_than_a_process_may_open(tmp_path) -> None:
    """Under 40 files that the process may open, 100 shards and their ids are read."""
    artifact = Artifact(tmp_path / "encode" / "key")
    artifact.folder.mkdir(parents=True)
    for number in range(100):
        part = np.full((2, 3), number, np.float16)
        artifact.put(f"{number:05}.npy", lambda path, part=part: save_array(path, part))
        artifact.put_text(f"{number:05}.ids", f"a{number}\nb{number}\n")
    artifact.finish({})
    program = """
import resource, sys
from pathlib import Path
import numpy as np
from effbench.steps.ids import Ids
from effbench.steps.shards import DiskVectors

resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]), int(sys.argv[3])))
vectors, ids = DiskVectors(Path(sys.argv[1])), Ids(Path(sys.argv[1]))
assert len(vectors[7:3]) == len(vectors[200:]) == 0
assert vectors[:][:, 0].tolist() == [row // 2 for row in range(200)]
blocks = [vectors[row : row + 3] for row in range(0, 200, 3)]
assert np.concatenate(blocks)[:, 0].tolist() == [row // 2 for row in range(200)]
rows = np.arange(200)[::-1]
assert vectors.at(rows)[:, 0].tolist() == [row // 2 for row in rows]
assert ids.at(rows) == [f"{'ab'[row % 2]}{row // 2}" for row in rows]
assert ids[7] == "b3"
"""
    for soft, hard in (40, 40), (40, 4096):
        limits = [str(soft), str(hard)]
        command = [sys.executable, "-c", program, str(artifact.folder), *limits]
        subprocess.run(command, check=True)
