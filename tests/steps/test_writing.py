"""Vectors in shards: what is lost or damaged is encoded again, and nothing else."""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effbench.steps import writing
from effbench.steps.writing import write_shards
from effbench.store.artifacts import Artifact
from effbench.store.disk import DiskError
from made_suites import TOYS


def test_a_corrupt_shard_is_noticed_and_made_again(run, records, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    run(TOYS)
    before = records()
    (shard,) = tmp_path.glob("cache/encode/*/00000.npy")
    raw = shard.read_bytes()
    shard.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    (tmp_path / "log").unlink()
    for path in [
        *tmp_path.glob("results/*/toys/*--*.json"),
        *tmp_path.glob("cache/index/*/m*"),
    ]:
        path.unlink()
    found = run(TOYS)
    assert found.exit_code == 0
    assert ": lost or damaged, making it again" in found.stderr
    assert "encoded d0 60" in (tmp_path / "log").read_text()
    assert shard.read_bytes() == raw
    after = records()
    assert {n: r["per_query"] for n, r in after.items()} == {
        n: r["per_query"] for n, r in before.items()
    }


def test_only_the_lost_shards_are_encoded_again(run, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setattr("effbench.steps.writing.SHARD", 20)
    run(TOYS)
    for path in [
        *tmp_path.glob("results/*/toys/*--*.json"),
        *tmp_path.glob("cache/index/*/m*"),
    ]:
        path.unlink()
    (tmp_path / "log").unlink()
    (lost,) = tmp_path.glob("cache/encode/*/00001.npy")
    lost.unlink()
    run(TOYS)
    encoded = [
        line for line in (tmp_path / "log").read_text().splitlines() if "encoded" in line
    ]
    assert encoded == ["encoded d20 20"]


class _Counts:
    """A tally that only adds up."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, units: int) -> None:
        self.done += units

    skip = __call__


def _vectors(items: Sequence[str]) -> np.ndarray:
    return np.array([[float(item)] for item in items], dtype=np.float32)


def _pairs(count: int) -> list[tuple[str, str]]:
    return [(f"d{number}", str(number)) for number in range(count)]


def _write(folder: Path, count: int, encode: Any) -> tuple[Artifact, Any]:
    artifact = Artifact(folder)
    return artifact, write_shards(artifact, _pairs(count), encode, _Counts(), {})  # type: ignore[arg-type]


def test_a_shard_is_written_while_the_next_is_encoded(tmp_path, monkeypatch) -> None:
    """The first shard is on its way to the disk until the encoder has the second."""
    monkeypatch.setattr(writing, "SHARD", 10)
    second, save = threading.Event(), writing.save_array

    def save_late(path: Path, array: np.ndarray) -> None:
        assert second.wait(20), "the encoder waited for the disk"
        save(path, array)

    def encode(items: Sequence[str]) -> np.ndarray:
        if items[0] == "10":
            second.set()
        return _vectors(items)

    monkeypatch.setattr(writing, "save_array", save_late)
    artifact, shards = _write(tmp_path / "key", 25, encode)
    assert (shards.rows, shards.width) == (25, 1)
    written = [np.load(tmp_path / "key" / f"{number:05}.npy") for number in range(3)]
    np.testing.assert_array_equal(np.concatenate(written)[:, 0], np.arange(25))
    assert len(artifact.kept) == 9


def test_a_disk_that_refuses_a_shard_stops_the_encoding(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(writing, "SHARD", 10)
    encoded = []

    def refuse(path: Path, array: np.ndarray) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def encode(items: Sequence[str]) -> np.ndarray:
        encoded.append(items[0])
        return _vectors(items)

    monkeypatch.setattr(writing, "save_array", refuse)
    with pytest.raises(DiskError):
        _write(tmp_path / "key", 100, encode)
    assert encoded == ["0", "10"]
    with pytest.raises(DiskError):
        _write(tmp_path / "key", 5, encode)


def test_an_encoder_that_fails_loses_no_shard_before(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(writing, "SHARD", 10)

    def encode(items: Sequence[str]) -> np.ndarray:
        if items[0] == "20":
            raise RuntimeError("out of luck")
        return _vectors(items)

    with pytest.raises(RuntimeError, match="out of luck"):
        _write(tmp_path / "key", 30, encode)
    encoded: list[str] = []

    def go_on(items: Sequence[str]) -> np.ndarray:
        encoded.extend(items)
        return _vectors(items)

    _write(tmp_path / "key", 30, go_on)
    assert encoded == [str(number) for number in range(20, 30)]
