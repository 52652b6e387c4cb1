"""Downloads, from a server that stands in for BEIR's host."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

import effbench_beir.download
from effbench import EffbenchError
from effbench_beir import Beir, Folder
from made_beir import read_all, write_folder, write_zip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "tiny")


class Host(ThreadingHTTPServer):
    """BEIR's host, here: counts what it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))

    def offer(self, archive: Path, monkeypatch: pytest.MonkeyPatch, md5: str = "") -> None:
        """Stand in for BEIR's host, with the archive's true checksum unless told otherwise."""
        url = f"http://127.0.0.1:{self.server_port}"
        md5 = md5 or hashlib.md5(archive.read_bytes()).hexdigest()
        listed = effbench_beir.download.Archive(md5, ("train", "test"))
        monkeypatch.setattr(effbench_beir.download, "HOST", url)
        monkeypatch.setitem(effbench_beir.download.ARCHIVES, archive.stem, listed)


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Host)
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "host").mkdir()
    with Host(tmp_path / "host") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_public_dataset_is_downloaded_once_when_first_read(
    folder: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.offer(write_zip(tmp_path / "host" / "scifact.zip", folder, "scifact/"), monkeypatch)

    test, train = Beir("scifact"), Beir("scifact", split="train")
    assert (test.dataset_id, test.drop_self_hits) == ("beir/scifact/test", True)
    assert test.corpus_key == train.corpus_key
    assert test.key != train.key
    assert host.asked == []

    assert list(test.docs()) == list(Folder(folder).docs())
    assert list(test.queries()) == list(Folder(folder).queries())
    assert list(train.qrels()) == list(Folder(folder, split="train").qrels())
    assert host.asked == ["/scifact.zip"]
    assert (tmp_path / "cache" / "beir" / "scifact.zip").is_file()


def test_a_run_waits_for_the_download_of_another(
    folder: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_zip(tmp_path / "scifact.zip", folder, "scifact/")
    host.offer(archive, monkeypatch)
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    dataset = Beir("scifact", folder=str(downloads))
    run = threading.Thread(target=lambda: read_all(dataset))

    with FileLock(downloads / "scifact.zip.lock"):  # what the other run holds
        run.start()
        time.sleep(0.2)
        archive.rename(downloads / "scifact.zip")
    run.join()

    assert host.asked == []
    assert list(dataset.docs()) == list(Folder(folder).docs())


def test_forums_of_cqadupstack_share_a_zip(
    folder: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_zip(tmp_path / "host" / "cqadupstack.zip", folder, "cqadupstack/tex/")
    host.offer(archive, monkeypatch)

    forum = Beir("cqadupstack/tex", split="train", folder=str(tmp_path / "own")).split("test")

    assert list(forum.docs()) == list(Folder(folder).docs())
    assert forum.dataset_id == "beir/cqadupstack/tex/test"
    assert (tmp_path / "own" / "cqadupstack.zip").is_file()
    assert forum.corpus_key != Beir("cqadupstack/gis").corpus_key


def test_a_download_of_a_wrong_checksum_is_thrown_away(
    folder: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_zip(tmp_path / "host" / "scifact.zip", folder, "scifact/")
    host.offer(archive, monkeypatch, md5="0" * 32)

    with pytest.raises(EffbenchError, match=r"sends has MD5 \w+, not 0{32}"):
        read_all(Beir("scifact"))
    left = {path.suffix for path in (tmp_path / "cache" / "beir").iterdir()}
    assert not left & {".zip", ".part"}


def test_a_file_put_there_by_hand_is_checked_and_kept(
    folder: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_zip(tmp_path / "scifact.zip", folder, "scifact/")
    host.offer(archive, monkeypatch)

    assert list(Beir("scifact", folder=str(tmp_path)).docs()) == list(Folder(folder).docs())
    host.offer(archive, monkeypatch, md5="0" * 32)
    other = tmp_path / "other"
    other.mkdir()
    archive.rename(other / "scifact.zip")
    with pytest.raises(EffbenchError, match=r"MD5 is \w+, not 0{32}"):
        read_all(Beir("scifact", folder=str(other)))
    assert (other / "scifact.zip").is_file()
    assert host.asked == []


def test_an_unreachable_host_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(effbench_beir.download, "HOST", "http://127.0.0.1:9")

    with pytest.raises(EffbenchError, match=r"cannot download .*scifact\.zip: ") as caught:
        read_all(Beir("scifact"))
    assert str(tmp_path / "cache" / "beir" / "scifact.zip") in str(caught.value)
    assert "\n" not in str(caught.value)
