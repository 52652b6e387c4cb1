"""Downloads, from a server that stands in for BEIR's host."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import effbench_beir.download
from effbench import EffbenchError
from effbench_beir import Beir, Folder
from made_beir import read_all, write_folder, write_zip
from made_host import Host, serving


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "tiny")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(tmp_path / "host") as server:
        monkeypatch.setattr(effbench_beir.download, "HOST", server.url)
        yield server


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let an archive have its true checksum, unless told otherwise."""

    def publish(archive: Path, md5: str = "") -> None:
        md5 = md5 or hashlib.md5(archive.read_bytes()).hexdigest()
        listed = effbench_beir.download.Archive(md5, ("train", "test"))
        monkeypatch.setitem(effbench_beir.download.ARCHIVES, archive.stem, listed)

    return publish


def test_a_public_dataset_is_downloaded_once_when_first_read(
    folder: Path, host: Host, publish: Callable[..., None], tmp_path: Path
) -> None:
    publish(write_zip(tmp_path / "host" / "scifact.zip", folder, "scifact/"))

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


def test_forums_of_cqadupstack_share_a_zip(
    folder: Path, host: Host, publish: Callable[..., None], tmp_path: Path
) -> None:
    archive = write_zip(tmp_path / "host" / "cqadupstack.zip", folder, "cqadupstack/tex/")
    publish(archive)

    forum = Beir("cqadupstack/tex", split="train", folder=str(tmp_path / "own")).split("test")

    assert list(forum.docs()) == list(Folder(folder).docs())
    assert forum.dataset_id == "beir/cqadupstack/tex/test"
    assert (tmp_path / "own" / "cqadupstack.zip").is_file()
    assert forum.corpus_key != Beir("cqadupstack/gis").corpus_key


def test_a_download_of_a_wrong_checksum_is_thrown_away(
    folder: Path, host: Host, publish: Callable[..., None], tmp_path: Path
) -> None:
    archive = write_zip(tmp_path / "host" / "scifact.zip", folder, "scifact/")
    publish(archive, md5="0" * 32)

    with pytest.raises(EffbenchError, match=r"its md5 is \w+, not 0{32} \(get scifact"):
        read_all(Beir("scifact"))
    left = {path.suffix for path in (tmp_path / "cache" / "beir").iterdir()}
    assert not left & {".zip", ".part"}


def test_a_file_put_there_by_hand_is_checked_and_kept(
    folder: Path, host: Host, publish: Callable[..., None], tmp_path: Path
) -> None:
    archive = write_zip(tmp_path / "scifact.zip", folder, "scifact/")
    publish(archive)

    assert list(Beir("scifact", folder=str(tmp_path)).docs()) == list(Folder(folder).docs())
    publish(archive, md5="0" * 32)
    other = tmp_path / "other"
    other.mkdir()
    archive.rename(other / "scifact.zip")
    with pytest.raises(EffbenchError, match=r"its md5 is \w+, not 0{32} \(remove"):
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


def test_a_run_shows_the_download(
    effbench, suite, folder: Path, host: Host, publish: Callable[..., None], tmp_path: Path
) -> None:
    publish(write_zip(tmp_path / "host" / "scifact.zip", folder, "scifact/"))
    data = "datasets: [{use: beir, name: scifact}]"
    path = suite(f"suite: s\n{data}\nretrievers: {{s: {{use: scan}}}}\nlatency: false\n")
    assert effbench("plan", path).exit_code == 0
    assert host.asked == []
    found = effbench("run", path, "--results", tmp_path / "results")
    assert found.exit_code == 0, found.output
    assert "downloading scifact.zip: 0 MB in " in found.stderr
