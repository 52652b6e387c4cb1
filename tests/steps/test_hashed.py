"""Hashes of ids in memory and on disk: repeated ids, rows of ids, and strangers."""

from __future__ import annotations

from pathlib import Path

import pytest

from effbench.api.errors import DiskError
from effbench.steps import hashed
from effbench.steps.hashed import HashedIds, KnownIds
from effbench.steps.ids import Ids, rows_by_id

IDS = [f"d{number}" for number in range(5_000)]


@pytest.fixture(params=[10_000, 700], ids=["memory", "disk"])
def held(request, monkeypatch, tmp_path):
    """Hold that many hashes in memory; the rest are in files."""
    monkeypatch.setattr(hashed, "HELD", request.param)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_all_hashes_are_sorted_and_know_their_rows(held, tmp_path) -> None:
    with HashedIds() as ids:
        for doc_id in IDS:
            ids.append(doc_id)
        assert len(ids) == 5_000
        assert ids.repeated() == set()
        hashes, rows = ids.sorted()
    assert not list(tmp_path.iterdir())
    assert hashes.tolist() == sorted(map(hash, IDS))
    assert [hash(IDS[row]) for row in rows] == hashes.tolist()


def test_ids_that_repeat_are_told_by_their_hashes(held, monkeypatch) -> None:
    with HashedIds() as ids:
        for doc_id in [*IDS, "d7", "d4999"]:
            ids.append(doc_id)
        assert ids.repeated() == {hash("d7"), hash("d4999")}
        monkeypatch.setattr(hashed, "MOST", 1)
        assert len(ids.repeated()) == 1


def test_a_full_disk_is_noticed(monkeypatch) -> None:
    """Each file of the table is /dev/full, which takes bytes and has no room for them."""
    monkeypatch.setattr(hashed, "HELD", 700)
    monkeypatch.setattr(hashed, "Path", lambda *_: Path("/dev/full"))
    with pytest.raises(DiskError, match="No space left on device"):
        KnownIds(IDS)


@pytest.mark.parametrize("ids", [[], IDS])
def test_strangers_are_told(held, ids) -> None:
    known = KnownIds(ids)
    assert len(known) == len(ids)
    assert known.lacking(["x", "d3", "d5000", "d0"]) == (
        ["x", "d5000"] if ids else ["x", "d3", "d5000", "d0"]
    )


class Known(Ids):
    """The ids of a folder that a test makes up."""

    def __init__(self, _) -> None:
        pass

    def __len__(self) -> int:
        return len(IDS)

    def __iter__(self):
        return iter(IDS)

    def at(self, rows):
        return [IDS[row] for row in rows]


@pytest.mark.parametrize("few", [10_000, 100])
@pytest.mark.parametrize("clashing", [False, True])
def test_the_rows_of_ids(held, monkeypatch, few, clashing) -> None:
    monkeypatch.setattr("effbench.steps.ids.FEW", few)
    monkeypatch.setattr("effbench.steps.ids.Ids", Known)
    if clashing:
        for module in ("hashed", "ids"):  # three ids share each hash
            name = f"effbench.steps.{module}.hash"
            monkeypatch.setattr(name, lambda text: int(text[1:]) // 3, raising=False)
    rows = rows_by_id("folder")
    assert rows(["d4999", "d0", "d1", "d2", "d300"]).tolist() == [4999, 0, 1, 2, 300]
    assert rows([]).tolist() == []
    with pytest.raises(KeyError, match="x1"):
        rows(["d1", "x1"])
