"""One way to read text for every reader: marks, NUL, broken UTF-8 and gzip, with the line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import effbench_dpr
import effbench_msmarco
import effbench_oag_qa
import effbench_table
from effbench.api.errors import EffbenchError
from effbench.steps.sources import FileSource
from effbench.store import reading
from effbench.store.digests import file_sha256
from effbench.store.reading import content_sha256
from effbench.store.trec import read_docpairs, read_qrels, read_trec
from effbench_beir import Folder

ENTRY = {"question": "who?", "positive_ctxs": [], "hard_negative_ctxs": []}
Reader = Callable[[Path], object]


def beir(file: str) -> Reader:
    """Read one of the files of a collection, the others of which are sound."""

    def read(path: Path) -> object:
        folder = path.parent
        (folder / "qrels").mkdir(exist_ok=True)
        sound = {
            "corpus.jsonl": '{"_id": "1", "text": "a"}\n',
            "queries.jsonl": '{"_id": "1", "text": "a"}\n',
            "qrels/test.tsv": "query-id\tcorpus-id\tscore\n1\t1\t1\n",
        }
        for name, text in sound.items():
            (folder / name).write_bytes(path.read_bytes() if name == file else text.encode())
        dataset = Folder(folder)
        return [list(part()) for part in (dataset.docs, dataset.queries, dataset.qrels)]

    return read


def msmarco(option: str) -> Reader:
    """Read a file of MS MARCO, whose other files are sound."""
    sound = {"collection": "1\ta\n", "queries": "1\ta\n", "qrels": "1\t0\t1\t1\n"}
    return beside(option, sound, effbench_msmarco.Msmarco)


def table(option: str) -> Reader:
    """Read a file of a table, whose other files are sound."""
    sound = {"docs": "id,text\n1,a\n", "queries": "id,text\n1,a\n"}
    sound["judgments"] = "query,doc,relevance\n1,1,1\n"
    return beside(option, sound, effbench_table.Table)


def beside(option: str, sound: dict[str, str], factory) -> Reader:
    """Read all of a dataset, one file of which is the reader's, beside sound files."""

    def read(path: Path) -> object:
        files = {name: path.with_name(f"sound-{name}.csv") for name in sound} | {option: path}
        for name in sound.keys() - {option}:
            files[name].write_text(sound[name])
        dataset = factory(**files)
        return [list(part()) for part in (dataset.docs, dataset.queries, dataset.qrels)]

    return read


def column(path: Path) -> object:
    return list(FileSource(path, file_sha256(path), "text", None).texts())


def lines(path: Path) -> object:
    found = FileSource(path, file_sha256(path), None, None).texts()
    return [text.strip() for text in found if text.strip()]  # as the step does


def docpairs(path: Path) -> object:
    return list(read_docpairs(path))


def papers(path: Path) -> object:
    return list(effbench_oag_qa.dataset.read_papers(path))


def questions(path: Path) -> object:
    return list(effbench_oag_qa.files.read_questions(path))


def entries(path: Path) -> object:
    return [record for _, record in effbench_dpr.entries.read_objects(path)]


READERS: dict[str, tuple[Reader, str]] = {
    "run": (read_trec, "1 Q0 a 1 2.0 me\n2 Q0 a 1 2.0 me\n"),
    "qrels": (read_qrels, "1 0 a 1\n2 0 a 1\n"),
    "docpairs": (docpairs, "1\ta\tb\n2\ta\tb\n"),
    "texts": (lines, "one\ntwo\n"),
    "column": (column, "id\ttext\n1\tone\n"),
    "corpus": (beir("corpus.jsonl"), '{"_id": "1", "text": "a"}\n{"_id": "2", "text": "b"}\n'),
    "queries": (beir("queries.jsonl"), '{"_id": "1", "text": "a"}\n{"_id": "2", "text": ""}\n'),
    "judged": (beir("qrels/test.tsv"), "query-id\tcorpus-id\tscore\n1\t1\t1\n"),
    "msmarco-collection": (msmarco("collection"), "1\ta\n2\tb\n"),
    "msmarco-queries": (msmarco("queries"), "1\ta\n2\tb\n"),
    "msmarco-qrels": (msmarco("qrels"), "1 0 1 1\n2 0 1 1\n"),
    "table-docs": (table("docs"), "id\ttext\n1\ta\n2\tb\n"),
    "table-queries": (table("queries"), "id\ttext\n1\ta\n2\tb\n"),
    "table-judgments": (table("judgments"), "query\tdoc\trelevance\n1\t1\t1\n"),
    "papers": (papers, "1\tabstract\ttitle\n2\tabstract\ttitle\n"),
    "questions": (questions, "who?\t['title']\nwhat?\t['title']\n"),
    "dpr": (entries, json.dumps([ENTRY, ENTRY], indent=1)),
}
ZIPPED = ("corpus", "queries", "judged")
"""Files of a collection that is zipped as a whole, if it is."""


@pytest.fixture(params=READERS)
def case(request, tmp_path: Path) -> tuple[Reader, str, Path]:
    read, text = READERS[request.param]
    return read, text, tmp_path / f"{request.param}.tsv"


def test_a_byte_order_mark_is_no_part_of_the_text(case) -> None:
    read, text, path = case
    path.write_text(text, encoding="utf-8")
    plain = read(path)
    path.write_text(text, encoding="utf-8-sig")
    assert read(path) == plain
    path.write_text(text.replace("\n", "\r\n"), encoding="utf-8-sig", newline="")
    assert str(read(path)).replace("\\r", "") == str(plain)


@pytest.mark.parametrize("wrong", [b"\xff", b"\0"])
def test_what_is_no_text_is_refused_with_file_and_line(case, wrong: bytes) -> None:
    read, text, path = case
    first, rest = text.encode().split(b"\n", 1)
    path.write_bytes(first + b"\n" + rest.replace(b"1", wrong).replace(b"2", wrong) + wrong)
    with pytest.raises(EffbenchError, match=r":\d+: .*\(.*\)$") as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", [n for n in READERS if n != "dpr"], indirect=True)
def test_a_line_without_end_is_refused(case, monkeypatch: pytest.MonkeyPatch) -> None:
    read, text, path = case
    monkeypatch.setattr(reading, "LONGEST", 1 << 20)
    path.write_text(f"{text}{'x' * (2 << 20)}\n")
    number = text.count("\n") + 1
    with pytest.raises(
        EffbenchError, match=rf":{number}: a line of more than 1 MiB \(take an intact"
    ):
        read(path)


@pytest.mark.parametrize("case", [n for n in READERS if n not in ZIPPED], indirect=True)
@pytest.mark.parametrize("cut", [9, 4])
def test_a_damaged_gzip_is_refused_with_file_and_line(case, cut: int) -> None:
    read, text, path = case
    path = path.with_name(f"{path.name}.gz")
    path.write_bytes(gzip.compress(text.encode()))
    whole = read(path)
    assert whole
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(EffbenchError, match=r"\.gz:\d+: .*ended before.*\(.*\)$"):
        read(path)


def test_a_digest_is_of_what_the_file_holds(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a", tmp_path / "a.gz"
    plain.write_text("one\ntwo\n")
    packed.write_bytes(gzip.compress(b"one\ntwo\n"))
    assert content_sha256(plain) == content_sha256(packed)
    packed.write_bytes(packed.read_bytes()[:-8])
    with pytest.raises(EffbenchError, match=r"a\.gz:\d: .*\(take an intact file\)"):
        content_sha256(packed)


def test_candidates_of_one_id_and_two_texts_are_refused(tmp_path: Path) -> None:
    candidates, qrels = tmp_path / "top.tsv", tmp_path / "qrels.tsv"
    candidates.write_text("1\t7\twho\tone\n2\t7\twhat\tone\n2\t7\twhat\tanother\n")
    qrels.write_text("1 0 7 1\n")
    dataset = effbench_msmarco.Msmarco(qrels=qrels, candidates=candidates)
    with pytest.raises(EffbenchError, match=r"top\.tsv:3: '7' has another text"):
        list(dataset.docs())
