from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from effbench.api.errors import DiskError, EffbenchError
from effbench.work import downloads
from effbench.work.downloads import fetch
from effbench.work.progress import Tally, watching
from made_host import Host, serving

DATA = bytes(range(250)) * 10_000
MD5 = hashlib.md5(DATA).hexdigest()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(tmp_path / "host") as server:
        (server.folder / "f.gz").write_bytes(DATA)
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "f.gz"


def left(file: Path) -> set[str]:
    return {path.name for path in file.parent.iterdir()} - {f"{file.name}.lock"}


class Watcher:
    """Keeps what it is told of."""

    def __init__(self) -> None:
        self.told: list[Tally] = []

    @contextmanager
    def work(self, label: str, total: int | None, unit: str) -> Iterator[Tally]:
        self.told.append(Tally(label, total, unit))
        yield self.told[-1]

    def note(self, message: str) -> None:
        raise AssertionError(message)


def test_a_file_is_downloaded_once_and_who_watches_sees_it(host: Host, file: Path) -> None:
    watcher = Watcher()
    with watching(watcher):
        for _ in range(2):
            assert fetch("mine", f"{host.url}/f.gz", file, MD5).read_bytes() == DATA
    assert host.asked == ["/f.gz"]
    assert left(file) == {"f.gz"}
    (work,) = watcher.told
    assert (work.label, work.done, work.total, work.unit) == ("downloading f.gz", 2, 2, "MB")


def test_others_may_read_what_the_umask_lets_them(host: Host, file: Path) -> None:
    before = os.umask(0o022)
    try:
        assert fetch("mine", f"{host.url}/f.gz", file, MD5).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_a_second_run_waits_for_the_download_of_the_first(host: Host, file: Path) -> None:
    file.parent.mkdir()
    run = threading.Thread(target=fetch, args=("mine", f"{host.url}/f.gz", file, MD5))
    with FileLock(f"{file}.lock"):  # what the first run holds
        run.start()
        time.sleep(0.2)
        file.write_bytes(DATA)
    run.join()
    assert host.asked == []


def test_what_a_killed_run_has_left_goes(host: Host, file: Path) -> None:
    file.parent.mkdir()
    old, young = (file.parent / f".{n:016x}.part.gz" for n in (1, 2))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    fetch("mine", f"{host.url}/f.gz", file, MD5)
    assert left(file) == {"f.gz", young.name}


@pytest.mark.parametrize(
    ("path", "kept_back", "reason"),
    [
        ("f.gz", 1000, "IncompleteRead(2499000 bytes read, 1000 more expected)"),
        ("lost.gz", 0, "404 Client Error: File not found for url: "),
    ],
)
def test_what_cannot_be_downloaded_is_one_line(
    host: Host, file: Path, path: str, kept_back: int, reason: str
) -> None:
    host.kept_back = kept_back
    url = f"{host.url}/{path}"
    with pytest.raises(EffbenchError) as caught:
        fetch("mine", url, file, MD5)
    said = str(caught.value)
    assert said.startswith(f"mine: cannot download {url}: {reason}")
    assert said.endswith(f" (connect, or put the file at {file})")
    assert "\n" not in said
    assert left(file) == set()


def test_a_host_that_nobody_reaches_is_one_line(file: Path, monkeypatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(EffbenchError, match=r"/f\.gz: Connection refused \(connect, or put "):
        fetch("mine", "http://127.0.0.1:9/f.gz", file, MD5)


def test_a_file_of_another_checksum_is_thrown_away_or_named(host: Host, file: Path) -> None:
    url, wrong = f"{host.url}/f.gz", "0" * 32
    with pytest.raises(EffbenchError, match=f"^mine: what {url} sends is .* md5 is {MD5}, not"):
        fetch("mine", url, file, wrong)
    assert left(file) == set()
    file.write_bytes(DATA)
    with pytest.raises(EffbenchError, match=rf"^{file}: its md5 is {MD5}, not 0+ \(remove it:"):
        fetch("mine", url, file, wrong)
    assert file.exists()
    assert host.asked == ["/f.gz"]


def test_a_file_without_a_published_checksum_must_stay_as_it_was(
    host: Host, file: Path
) -> None:
    url, digest = f"{host.url}/f.gz", hashlib.sha256(DATA).hexdigest()
    fetch("mine", url, file)
    assert left(file) == {"f.gz", "f.gz.sha256"}
    assert file.with_name("f.gz.sha256").read_text() == f"{digest}  f.gz\n"
    file.write_bytes(b"another")
    fetch.cache_clear()  # as in another process
    with pytest.raises(EffbenchError, match=rf"not {digest} \(remove it and f\.gz\.sha256: "):
        fetch("mine", url, file)


def test_where_no_note_can_be_written_the_file_is_read(
    host: Host, file: Path, monkeypatch
) -> None:
    def refused(path: Path, text: str) -> None:
        raise DiskError(path, PermissionError(13, "Permission denied"))

    file.parent.mkdir()
    file.write_bytes(DATA)
    monkeypatch.setattr(downloads, "write_text", refused)
    assert fetch("mine", f"{host.url}/f.gz", file) == file
    assert host.asked == []


def test_a_folder_that_takes_nothing_is_named(host: Host, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="file"):
        fetch("mine", f"{host.url}/f.gz", tmp_path / "file" / "f.gz", MD5)
    assert host.asked == []
