from __future__ import annotations

import zipfile
from pathlib import Path

import pluggy
import pytest

import effbench.api.hookspecs
import effbench_beir.download
from altered import altered
from effbench import Doc, EffbenchError, Qrel, Query, Split
from effbench_beir import Beir, Folder
from made_beir import CORPUS, TEST, read_all, write_folder, write_zip


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
    assert dataset.docs_count() == (3 if inside is None else None), "a zip is not unpacked"
    assert dataset.count_docs() == 3
    assert (dataset.corpus_key, dataset.key) == (Folder(folder).corpus_key, Folder(folder).key)


def test_keys_follow_the_content(folder: Path, tmp_path: Path) -> None:
    test, train = Folder(folder), Folder(folder, split="train")
    other = Folder(write_folder(tmp_path / "other", corpus=altered(CORPUS, "first", "1st")))
    renamed = Folder(folder, name="mine", drop_self_hits=False)

    assert test.corpus_key == train.corpus_key != other.corpus_key
    assert test.key == other.key != train.key
    assert (renamed.key, renamed.dataset_id) == (test.key, "mine")
    assert renamed.drop_self_hits is False


@pytest.mark.parametrize("zipped", [False, True])
def test_splits_of_one_corpus(folder: Path, zipped: bool) -> None:
    (folder / "qrels" / "odd.tsv").write_text(TEST)
    path = write_zip(folder.with_suffix(".zip"), folder, "") if zipped else folder
    test = Folder(path, drop_self_hits=False)
    train = test.split("train")

    assert isinstance(test, Split)
    assert test.splits == train.splits == ("train", "test")
    assert list(train.qrels()) == [Qrel("q0", "d1", 1)]
    assert (train.corpus_key, train.dataset_id) == (test.corpus_key, "tiny/train")
    assert train.drop_self_hits is False
    named = Folder(path, name="mine")
    assert named.split("train").dataset_id == "mine/train"
    assert named.split("test").dataset_id == "mine"
    with pytest.raises(EffbenchError, match=r"'dev' \(its qrels/ has: odd, test, train\)"):
        test.split("dev")


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
        (
            "corpus",
            '{"_id": 7, "text": "x"}\n',
            r"corpus\.jsonl:1: _id is 7 \(make it a string",
        ),
        ("corpus", '{"_id": "d1", "text": ["x"]}\n', r"corpus\.jsonl:1: text is a list"),
        ("corpus", '{"_id": "d1"}\n', r"corpus\.jsonl:1: text is missing"),
        ("corpus", '{"_id": "d1", "text": "x", "title": null}\n', r":1: title is .*null"),
        ("corpus", '{"_id": "d1", "text": "\udcff"}\n', r"corpus\.jsonl:1: .* byte 23 .*UTF-8"),
        ("queries", '\n{"_id": "q1", "text": 1}\n', r"queries\.jsonl:2: text is a number"),
        ("test", "q1\td1\t1\n", r"test\.tsv:1: the header is missing"),
        ("test", "", r"test\.tsv:1: the header is missing"),
        ("test", TEST + "q1 d1 1\n", r"test\.tsv:6: columns: 1, not 3"),
        ("test", TEST + "q1\td1\t1.0\n", r"test\.tsv:6: the score '1.0' is no integer"),
        ("test", TEST + "q1\t\t1\n", r"test\.tsv:6: corpus-id is ''"),
        ("test", TEST + "x" * 200_000 + "\td1\t1\n", r"test\.tsv:6: field larger"),
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
    with pytest.raises(EffbenchError, match=r"no split 'dev' \(its qrels/ has: test, train\)"):
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


METHODS = [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_a_damaged_zip_is_one_line(folder: Path, method: int) -> None:
    archive = write_zip(folder.with_suffix(".zip"), folder, "", method)
    sound = archive.read_bytes()
    for place in range(60, 120):  # inside the first member, corpus.jsonl
        archive.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        with pytest.raises(EffbenchError, match=r"tiny\.zip.*: .*intact"):
            list(Folder(archive).docs())


def test_a_zip_whose_names_are_damaged_is_not_shown_whole(folder: Path) -> None:
    archive = write_zip(folder.with_suffix(".zip"), folder, "", zipfile.ZIP_STORED)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("notes.txt", "x" * 2000)
    damaged = bytearray(archive.read_bytes())
    damaged[26:28] = (1500).to_bytes(2, "little")  # how long the first member's name is
    archive.write_bytes(damaged)
    with pytest.raises(EffbenchError, match="intact") as found:
        list(Folder(archive).docs())
    assert len(str(found.value)) < 500


def test_a_folder_in_the_place_of_a_file_is_named(folder: Path) -> None:
    path = folder / "qrels" / "test.tsv"
    path.unlink()
    path.mkdir()
    with pytest.raises(EffbenchError, match=r"test\.tsv: Is a directory \(take a folder of fi"):
        list(Folder(folder).qrels())


def test_names_and_splits_are_checked_at_once() -> None:
    with pytest.raises(EffbenchError, match=r"no 'scifcat' \(did you mean scifact"):
        Beir("scifcat")
    with pytest.raises(EffbenchError, match=r"no 'cqadupstack' \(did you mean cqadupstack/"):
        Beir("cqadupstack")
    with pytest.raises(EffbenchError, match=r"no split 'dev' \(it has: train, test\)"):
        Beir("scifact", split="dev")


def test_splits_of_a_public_dataset_need_no_download(tmp_path: Path) -> None:
    test = Beir("fiqa", folder=str(tmp_path), drop_self_hits=False)
    dev = test.split("dev")

    assert isinstance(test, Split)
    assert test.splits == ("train", "dev", "test")
    assert (dev.dataset_id, dev.corpus_key) == ("beir/fiqa/dev", test.corpus_key)
    assert dev.drop_self_hits is False
    assert not list(tmp_path.iterdir())
    with pytest.raises(EffbenchError, match=r"no split 'dev' \(it has: train, test\)"):
        Beir("scifact").split("dev")


def test_self_hits_of_msmarco_are_kept_unless_told_otherwise() -> None:
    assert Beir("msmarco", split="dev").drop_self_hits is False
    assert Beir("msmarco", split="dev", drop_self_hits=True).drop_self_hits is True
    assert Beir("scifact", drop_self_hits=False).drop_self_hits is False


def test_both_are_offered_to_suites() -> None:
    manager = pluggy.PluginManager("effbench")
    manager.add_hookspecs(effbench.api.hookspecs)
    manager.register(effbench_beir)

    assert manager.hook.effbench_datasets() == [{"folder": Folder, "beir": Beir}]
