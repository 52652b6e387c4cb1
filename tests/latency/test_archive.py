"""Sessions are packed files: damaged, too large or of many parts, they are refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from effbench.latency import archive
from made_records import file_of


def test_a_zip_whose_names_are_damaged_is_not_shown_whole(two_suites: Path, left_out) -> None:
    path = file_of(two_suites, "session")
    damaged = bytearray(path.read_bytes())
    damaged[26:28] = (1500).to_bytes(2, "little")  # how long the first member's name is
    path.write_bytes(damaged)
    left_out(path, "which zipfile quotes")


def test_a_bomb_is_refused_before_it_is_inflated(
    two_suites: Path, left_out, monkeypatch
) -> None:
    path = file_of(two_suites, "session")
    arrays = dict(np.load(path))
    inflated = []
    real = zipfile.ZipExtFile.read

    def noted(file: zipfile.ZipExtFile, count: int = -1) -> bytes:
        data = real(file, count)
        inflated.append(len(data))
        return data

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in arrays:
            with file.open(f"{name}.npy", "w") as member:
                if name == "ns":
                    for _ in range(archive.MOST_TIMES * 8 // 1_000_000 + 2):
                        member.write(b"\0" * 1_000_000)
                else:
                    np.lib.format.write_array(member, arrays[name])
    assert path.stat().st_size < 200_000
    monkeypatch.setattr(zipfile.ZipExtFile, "read", noted)
    left_out(path, "bomb")
    assert sum(inflated) < 10_000_000


def test_a_size_that_the_directory_understates_is_damage(two_suites: Path, left_out) -> None:
    path = file_of(two_suites, "session")
    data = path.read_bytes()
    at = data.index(b"ns.npy", data.index(b"PK\x01\x02")) - 46
    size = int.from_bytes(data[at + 24 : at + 28], "little")
    path.write_bytes(data[: at + 24] + (size - 8).to_bytes(4, "little") + data[at + 28 :])
    left_out(path, "understated")


def test_a_directory_of_many_files_is_refused_unread(two_suites: Path, left_out) -> None:
    path = file_of(two_suites, "session")
    with zipfile.ZipFile(path, "a") as file:
        for number in range(200):
            file.writestr(f"{number}.npy", b"")
    left_out(path, "many")
