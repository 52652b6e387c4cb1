from __future__ import annotations

import hashlib
import threading
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

import effbench_beir.download
from effbench import Doc, EffbenchError, Qrel, Query
from effbench_beir import Beir, Folder

CORPUS = """\
{"_id": "d1", "title": "One", "text": "first text"}
{"_id": "d2", "text": "no title, caf\u00e9 \u2028 line separator"}

{"_id": "\\"d3\\"", "title": "", "text": "an id in quotes", "metadata": {"url": "x"}}
"""
QUERIES = """\
{"_id": "q2", "text": "judged in test"}
{"_id": "q0", "text": "judged in train only"}
{"_id": "q1", "text": "judged in test as well"}
"""
TEST = 'query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\t"""d3"""\t1\nq2\td2\t0\ngone\td1\t1\n'
TRAIN = "query-id\tcorpus-id\tscore\nq0\td1\t1\n"


def write_folder(folder: Path, **files: str) -> Path:
    contents = {"corpus": CORPUS, "queries": QUERIES, "test": TEST, "train": TRAIN, **files}
    (folder / "qrels").mkdir(parents=True)
    for name, content in contents.items():
        path = f"{name}.jsonl" if name in ("corpus", "queries") else f"qrels/{name}.tsv"
        (folder / path).write_bytes(content.encode("utf-8", "surrogateescape"))
    return folder


def write_zip(archive: Path, folder: Path, inside: str) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(folder.rglob("*.*")):
            opened.write(path, f"{inside}{path.relative_to(folder).as_posix()}")
    return archive


def read_all(dataset: Folder | Beir) -> None:
    for read in (dataset.docs, dataset.qrels, dataset.queries):
        list(read())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "tiny")


@pytest.mark.parametrize("inside", [None, "", "tiny/"])
def test_a_folder_and_its_zip_hold_the_same(folder: Path, inside: str | None) -> None:
    archive = folder.with_suffix(".zip")
    path = folder if inside is None else write_zip(archive, folder, inside)

    dataset = Folder(path)

    for _ in range(2):  # the same each time
        assert list(dataset.docs()) == [
            Doc("d1", "first text", "One"),
            Doc("d2", "no title, caf\u00e9 \u2028 line separator"),
            Doc('"d3"', "an id in quotes"),
        ]
        assert list(dataset.queries()) == [
            Query("q2", "judged in test"),
            Query("q1", "judged in test as well"),
        ]
        assert list(dataset.qrels()) == [
            Qrel("q1", "d1", 2),
            Qrel("q2", '"d3"', 1),
            Qrel("q2", "d2", 0),
            Qrel("gone", "d1", 1),
        ]
    assert dataset.dataset_id == "tiny/test"
    assert dataset.drop_self_hits is True
    assert dataset.docs_count() is None
    assert (dataset.corpus_key, dataset.key) == (Folder(folder).corpus_key, Folder(folder).key)


def test_keys_follow_the_content(folder: Path, tmp_path: Path) -> None:
    test, train = Folder(folder), Folder(folder, split="train")
    other = Folder(write_folder(tmp_path / "other", corpus=CORPUS.replace("first", "1st")))
    renamed = Folder(folder, name="mine", drop_self_hits=False)

    assert test.corpus_key == train.corpus_key != other.corpus_key
    assert test.key == other.key != train.key
    assert (renamed.key, renamed.dataset_id) == (test.key, "mine")
    assert renamed.drop_self_hits is False


def test_nfcorpus_reads_the_same_from_its_zip(shared_data: Path) -> None:
    folder = Folder(shared_data / "beir" / "nfcorpus")
    archive = Folder(shared_data / "beir" / "nfcorpus.zip")

    assert archive.dataset_id == folder.dataset_id == "nfcorpus/test"
    assert (archive.corpus_key, archive.key) == (folder.corpus_key, folder.key)
    assert list(archive.docs()) == list(folder.docs())
    counts = [len(list(read())) for read in (archive.docs, archive.queries, archive.qrels)]
    assert counts == [3633, 323, 12334]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("corpus", CORPUS + '{"_id": "d4",\n', r"corpus\.jsonl:5: bad JSON: .* at column 14"),
        ("corpus", '["d1"]\n', r"corpus\.jsonl:1: no JSON object"),
        ("corpus", '{"text": "x"}\n', r"corpus\.jsonl:1: _id is missing"),
        ("corpus", '{"_id": "", "text": "x"}\n', r"corpus\.jsonl:1: _id is ''"),
        ("corpus", '{"_id": "a b", "text": "x"}\n', r"corpus\.jsonl:1: _id is 'a b'"),
        ("corpus", '{"_id": 7, "text": "x"}\n', r"corpus\.jsonl:1: _id is 7 \(take a string"),
        ("corpus", '{"_id": "d1", "text": ["x"]}\n', r"corpus\.jsonl:1: text is a list"),
        ("corpus", '{"_id": "d1"}\n', r"corpus\.jsonl:1: text is missing"),
        ("corpus", '{"_id": "d1", "text": "x", "title": null}\n', r":1: title is .*null"),
        ("corpus", '{"_id": "d1", "text": "\udcff"}\n', r"corpus\.jsonl:1: .* byte 23 .*UTF-8"),
        ("queries", '\n{"_id": "q1", "text": 1}\n', r"queries\.jsonl:2: text is a int"),
        ("test", "q1\td1\t1\n", r"test\.tsv:1: the header is missing"),
        ("test", "", r"test\.tsv:1: the header is missing"),
        ("test", TEST + "q1 d1 1\n", r"test\.tsv:6: 1 columns, not 3"),
        ("test", TEST + "q1\td1\t1.0\n", r"test\.tsv:6: the score '1.0' is no integer"),
        ("test", TEST + "q1\t\t1\n", r"test\.tsv:6: corpus-id is ''"),
        ("test", TEST + "q 1\td1\t1\n", r"test\.tsv:6: query-id is 'q 1'"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_malformed_line_is_named(
    file: str, content: str, message: str, zipped: bool, tmp_path: Path
) -> None:
    path = write_folder(tmp_path / "tiny", **{file: content})
    if zipped:
        path = write_zip(tmp_path / "tiny.zip", path, "tiny/")
    dataset = Folder(path)

    with pytest.raises(EffbenchError, match=message) as caught:
        read_all(dataset)
    assert str(path) in str(caught.value)


def test_what_is_missing_is_said_at_once(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EffbenchError, match=r"no split 'dev' \(it has: test, train\)"):
        Folder(folder, split="dev")
    with pytest.raises(EffbenchError, match=r"nowhere: no such folder or zip"):
        Folder(tmp_path / "nowhere")
    with pytest.raises(EffbenchError, match=r"not a zip"):
        Folder(folder / "corpus.jsonl")
    (folder / "queries.jsonl").unlink()
    with pytest.raises(EffbenchError, match=r"queries\.jsonl: no such file"):
        Folder(folder)


def test_a_zip_of_two_datasets_is_refused(folder: Path) -> None:
    archive = write_zip(folder.with_suffix(".zip"), folder, "a/")
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("b/corpus.jsonl", CORPUS)

    with pytest.raises(EffbenchError, match=r"2 corpus\.jsonl"):
        Folder(archive)


def test_a_damaged_zip_is_one_line(folder: Path) -> None:
    archive = write_zip(folder.with_suffix(".zip"), folder, "")
    content = bytearray(archive.read_bytes())
    content[60] ^= 0xFF  # inside the first member, corpus.jsonl
    archive.write_bytes(content)

    with pytest.raises(EffbenchError, match=r"tiny\.zip: .*intact"):
        list(Folder(archive).docs())


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

    forum = Beir("cqadupstack/tex", folder=str(tmp_path / "own"))

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


def test_names_and_splits_are_checked_at_once() -> None:
    with pytest.raises(EffbenchError, match=r"no 'scifcat' \(did you mean scifact"):
        Beir("scifcat")
    with pytest.raises(EffbenchError, match=r"no 'cqadupstack' \(did you mean cqadupstack/"):
        Beir("cqadupstack")
    with pytest.raises(EffbenchError, match=r"no split 'dev' \(it has: train, test\)"):
        Beir("scifact", split="dev")


def test_self_hits_of_msmarco_are_kept_unless_told_otherwise() -> None:
    assert Beir("msmarco", split="dev").drop_self_hits is False
    assert Beir("msmarco", split="dev", drop_self_hits=True).drop_self_hits is True
    assert Beir("scifact", drop_self_hits=False).drop_self_hits is False
