from __future__ import annotations

import gzip
import hashlib
import json
import logging
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pluggy
import pytest

import effbench.api.hookspecs
import effbench_dpr.download
import effbench_dpr.stream
from effbench import Doc, DocPair, EffbenchError, Qrel, Query
from effbench.work.downloads import fetch
from effbench_dpr import Dpr
from made_host import serving


def context(name: str, **others: Any) -> dict[str, Any]:
    return {"title": f"T{name}", "text": f"text {name}", "passage_id": name} | others


def entry(positives: list[Any], hard: list[Any], question: str = "who is it") -> dict[str, Any]:
    return {
        "dataset": "tiny",
        "question": question,
        "answers": ["x"],
        "positive_ctxs": positives,
        "negative_ctxs": [context("never read")],
        "hard_negative_ctxs": hard,
    }


ENTRIES = [
    entry(
        [context("1"), context("1", text="twice"), context("2")],
        [context("3"), context("2"), context("4"), context("5")],
        " who  sings\nit ",
    ),
    entry([], [context("6")]),
    entry([context("7")], []),
    entry([context("7")], [context("7")]),
    entry([context("3")], [context("1", title=None), context("8")]),
]
READS = ("docs", "queries", "qrels", "docpairs")


def read_all(dataset: Dpr) -> list[list[Any]]:
    return [list(getattr(dataset, read)()) for read in READS]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file: of entries, or of text or bytes as they are."""

    def write(content: Any, name: str = "tiny.json") -> Path:
        if isinstance(content, list):
            content = json.dumps(content)
        data = content if isinstance(content, bytes) else content.encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def test_entries_become_docs_queries_qrels_and_docpairs(write, caplog) -> None:
    dataset = Dpr(path=write(ENTRIES), hard_negatives=3)
    caplog.set_level(logging.INFO)

    for _ in range(2):  # the same each time
        assert read_all(dataset) == [
            [
                *(Doc(name, f"text {name}", f"T{name}") for name in "12348"),
            ],
            [Query("q0", "who sings it"), Query("q4", "who is it")],
            [Qrel("q0", "1", 1), Qrel("q0", "2", 1), Qrel("q4", "3", 1)],
            [
                DocPair("q0", "1", "3"),
                DocPair("q0", "2", "4"),
                DocPair("q4", "3", "1"),
                DocPair("q4", "3", "8"),
            ],
        ]
    assert {record.getMessage().partition(": ")[2] for record in caplog.records} == {
        "3 of 5 entries left out, for want of a positive or of a hard negative"
    }
    assert dataset.docs_count() is None
    assert dataset.drop_self_hits is False


def test_every_doc_is_in_a_pair(write) -> None:
    one = entry([context(name) for name in "abcde"], [context(name) for name in "xy"])
    pairs = [pair[1:] for pair in Dpr(path=write([one])).docpairs()]

    assert pairs == [("a", "x"), ("b", "y"), ("c", "x"), ("d", "y"), ("e", "x")]


def test_ids_come_from_passage_id_psg_id_or_the_text(write) -> None:
    bare = {"text": "caf\u00e9 \U0001f600"}
    given = [
        {"text": "a", "passage_id": 12, "psg_id": "no"},
        {"text": "b", "psg_id": "wiki:3"},
        bare,
    ]
    docs = list(Dpr(path=write([entry(given, [context("1"), bare | {"title": ""}])])).docs())

    made = hashlib.sha256(f"\n{bare['text']}".encode()).hexdigest()[:16]
    assert docs[:3] == [Doc("12", "a"), Doc("wiki:3", "b"), Doc(made, bare["text"])]
    assert len(docs) == 4


@pytest.mark.parametrize("chunk", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda data: b"\xef\xbb\xbf" + data])
def test_every_form_of_a_file_reads_the_same(
    write, monkeypatch: pytest.MonkeyPatch, chunk: int, indent: int | None, pack
) -> None:
    monkeypatch.setattr(effbench_dpr.stream, "CHUNK", chunk)
    entries = [*ENTRIES, entry([context("\u00e9\U0001f600")], [context('"}],{["\\')])]
    plain = json.dumps(entries, indent=indent, ensure_ascii=indent is None)

    path = write(pack(plain.encode()), "packed or not.json")
    assert read_all(Dpr(path=path)) == read_all(Dpr(path=write(entries)))


def test_an_array_without_entries_has_no_docs(write) -> None:
    assert read_all(Dpr(path=write("\n[ ]\n"))) == [[], [], [], []]


TWO_LINES = "[\n{}]"
GOOD = json.dumps(ENTRIES[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r":1: no JSON array \(give "),
        ('{"question": "jsonl"}\n', r":1: no JSON array \(give "),
        ("[\n3]", r":2: entry q0 is no JSON object \(write one\)"),
        (f"[{GOOD},\n]", r":2: entry q1 is no JSON object"),
        (f"[{GOOD}\n{GOOD}]", r":2: '\{' after an entry \(write , or \]\)"),
        (f"[{GOOD}]\n\n[", r":3: more after the end of the array \(write one array\)"),
        (f"[{GOOD},\n{GOOD[:200]}", r":2: the file ends before entry q1 does \(download it"),
        (f"[{GOOD},\n", r":2: the file ends before entry q1 does \(download it again\)"),
        (f"[{GOOD}\n", r":2: the file ends before the array does \(download it again\)"),
        ('[{"a":\n x}]', r":2: entry q0: bad JSON: Expecting value at 'x\}\]' \(mend it\)"),
        ('[{"a": "\n"}]', r":1: entry q0: bad JSON: Invalid control character at '\\n"),
        ('[\n{"a": ' + "[" * 100_000, r":2: entry q0: bad JSON: .*recursion"),
        ('[\n{"a": ' + "1" * 5000 + "}]", r":2: entry q0: bad JSON: .*digits"),
        (b'[{"a":\n\n"\xff"}]', r":3: invalid start byte \(save the file as UTF-8\)"),
        (b'[{"a":\n\n"\xe2\x82', r":3: unexpected end of data \(download it again\)"),
        ([GOOD], r":1: entry q0 is no JSON object"),
    ],
)
@pytest.mark.parametrize("name", ["tiny.json", "tiny.json.gz"])
def test_a_malformed_file_is_one_line(write, content, message: str, name: str) -> None:
    check_one_line(write(content, name), message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": None}, r"question is missing or null \(give a string\)"),
        ({"question": 3}, r"question is a number \(give a string\)"),
        ({"question": " \t"}, r"question is empty \(write one"),
        ({"positive_ctxs": None}, r"positive_ctxs is missing or null \(give a list\)"),
        ({"hard_negative_ctxs": {}}, r"hard_negative_ctxs is an object \(give a list\)"),
        ({"positive_ctxs": ["x"]}, r"positive_ctxs\[0\] is a string \(give an object with"),
        (
            {"hard_negative_ctxs": [context("1"), {"title": "x"}]},
            r"hard_negative_ctxs\[1\]: text is missing or null \(give a string\)",
        ),
        ({"positive_ctxs": [context("1", text=[])]}, r"positive_ctxs\[0\]: text is a list "),
        (
            {"positive_ctxs": [context("1", title=True)]},
            r"positive_ctxs\[0\]: title is a boolean ",
        ),
        (
            {"positive_ctxs": [context("1", text="\ud800")]},
            r"positive_ctxs\[0\]: text has half a character, '\\ud800' \(write both halves\)",
        ),
        (
            {"positive_ctxs": [context("1 2")]},
            r"positive_ctxs\[0\]: passage_id is '1 2' \(take a string",
        ),
        (
            {"positive_ctxs": [context("1", passage_id=None, psg_id=1.5)]},
            r"positive_ctxs\[0\]: psg_id is 1\.5 \(take a string without white space\)",
        ),
    ],
)
def test_a_malformed_entry_is_named(write, change: dict[str, Any], message: str) -> None:
    entries = [ENTRIES[0], ENTRIES[0] | change]
    lines = ",\n".join(json.dumps(one) for one in entries)
    check_one_line(write(f"[{lines}]"), f":2: entry q1: {message}")


def check_one_line(path: Path, message: str) -> None:
    with pytest.raises(EffbenchError, match=message) as caught:
        read_all(Dpr(path=path))
    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)


def test_what_stands_beyond_the_hard_negatives_is_not_read(write) -> None:
    one = entry([context("1")], [context("2"), "nonsense"])
    assert len(list(Dpr(path=write([one]), hard_negatives=1).docs())) == 2


def test_every_cut_of_a_file_is_noticed(write) -> None:
    text = json.dumps(
        [{"a": 'x\\ \u00e9"\U0001f600', "b": [1, -2e-3, True, None, float("nan")]}]
    )
    for end in range(1, len(text)):
        with pytest.raises(EffbenchError, match=r":1: the file ends before .* \(download it"):
            list(effbench_dpr.stream.read_objects(write(text[:end])))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-20],
        lambda data: data[:-8] + bytes(8),
        lambda data: data[:40] + bytes(8) + data[48:],
        lambda data: b"x" + data,
    ],
)
def test_a_damaged_gzip_is_one_line(write, damage) -> None:
    path = write(ENTRIES, "tiny.json.gz")
    path.write_bytes(damage(path.read_bytes()))

    check_one_line(path, r"gz:1: .* \(download it again\)")


def test_the_line_that_a_gzip_breaks_off_on_is_named(write) -> None:
    texts = [hashlib.sha512(bytes([number])).hexdigest() * 4 for number in range(200)]
    lines = [json.dumps(entry([context(text)], [context("1")])) for text in texts]
    path = write("[" + ",\n".join(lines) + "]", "tiny.json.gz")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(EffbenchError, match=r"gz:1[5-9]\d: Compressed file ended before"):
        read_all(Dpr(path=path))


def test_an_endless_entry_does_not_fill_the_memory(write, monkeypatch) -> None:
    monkeypatch.setattr(effbench_dpr.stream, "LONGEST", 1000)
    monkeypatch.setattr(effbench_dpr.stream, "CHUNK", 100)

    check_one_line(write('[\n{"a": "' + "x" * 9999), r":2: entry q0 is endless \(is a bracket")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    texts = [context(f"{number}", text="x" * 6000) for number in range(35)]
    one = json.dumps(entry(texts[:5], texts[5:]))
    with path.open("w") as file:
        file.write("[")
        file.writelines(f"{one},\n" for _ in range(30_000_000 // len(one)))
        file.write(f"{one}]")
    assert path.stat().st_size > 30e6

    tracemalloc.start()
    try:
        assert sum(1 for _ in Dpr(path=path).docs()) == 35
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6e6


def test_keys_say_which_file_and_how_much_of_it(write) -> None:
    path = write(ENTRIES, "nq.json.gz")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    dataset = Dpr(path=path)

    assert (dataset.dataset_id, dataset.corpus_key) == ("nq", f"dpr:{digest}:30")
    assert dataset.key == dataset.corpus_key
    assert Dpr(path=path, hard_negatives=1).corpus_key == f"dpr:{digest}:1"
    public = Dpr(name="nq", split="dev")
    assert public.dataset_id == "dpr/nq/dev"
    assert public.key == "dpr:nq-dev:2640483dbe0df7ae29c6da419c551a80:30"
    assert Dpr(name="squad1").key == "dpr:squad1-train:30"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"^dpr: which file\? \(give either path or name\)"),
        ({"name": "nq", "path": Path(__file__)}, r"^dpr: which file\?"),
        ({"path": Path("nowhere")}, r"^nowhere: no such file \(is path right\?\)"),
        ({"name": "nqq"}, r"^dpr: there is no 'nqq' \(did you mean nq\?\)"),
        ({"name": "zzz"}, r"\(DPR has: nq, trivia, webquestions, curatedtrec, squad1\)"),
        ({"name": "nq", "hard_negatives": 0}, r"^dpr: hard_negatives: 0 is too few"),
    ],
)
def test_mistakes_are_found_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(EffbenchError, match=message):
        Dpr(**options)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand in for DPR's host, with a file of checksum and one without."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    data = gzip.compress(json.dumps(ENTRIES).encode())
    digest = hashlib.md5(data).hexdigest()
    monkeypatch.setitem(effbench_dpr.download.MD5, "nq-dev", digest)
    with serving(tmp_path / "host") as server:
        monkeypatch.setattr(effbench_dpr.download, "HOST", server.url)
        for stem in ("nq-dev", "squad1-train"):
            (server.folder / f"biencoder-{stem}.json.gz").write_bytes(data)
        yield server.folder


def test_a_public_file_is_downloaded_once_when_first_read(host: Path, tmp_path: Path) -> None:
    dataset = Dpr(name="nq", split="dev")
    file = tmp_path / "cache" / "dpr" / "biencoder-nq-dev.json.gz"
    assert not file.exists()

    found = read_all(dataset)
    assert [len(one) for one in found] == [6, 2, 3, 5]
    (host / file.name).unlink()
    assert read_all(Dpr(name="nq", split="dev")) == found
    assert {path.name for path in file.parent.iterdir()} <= {file.name, f"{file.name}.lock"}


def test_a_download_of_a_wrong_checksum_is_thrown_away(host: Path, tmp_path: Path) -> None:
    (host / "biencoder-nq-dev.json.gz").write_bytes(b"a proxy's error page")

    with pytest.raises(EffbenchError, match=r"its md5 is \w+, not \w+ \(get biencoder"):
        read_all(Dpr(name="nq", split="dev"))
    left = {path.suffix for path in (tmp_path / "cache" / "dpr").iterdir()}
    assert left <= {".lock"}


def test_a_file_put_there_by_hand_is_checked_and_kept(host: Path, tmp_path: Path) -> None:
    file = tmp_path / "biencoder-nq-dev.json.gz"
    file.write_bytes(b"another")

    with pytest.raises(EffbenchError, match=r"gz: its md5 is \w+, not \w+ \(remove it"):
        read_all(Dpr(name="nq", split="dev", folder=str(tmp_path)))
    assert file.exists()
    (host / file.name).replace(file)
    assert len(list(Dpr(name="nq", split="dev", folder=str(tmp_path)).queries())) == 2


def test_a_file_without_a_public_checksum_must_stay_as_it_was(
    host: Path, tmp_path: Path
) -> None:
    read_all(Dpr(name="squad1"))
    file = tmp_path / "cache" / "dpr" / "biencoder-squad1-train.json.gz"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert Path(f"{file}.sha256").read_text() == f"{digest}  {file.name}\n"

    file.write_bytes(gzip.compress(b"[]"))
    fetch.cache_clear()  # as in another process
    with pytest.raises(EffbenchError, match=f"its sha256 is .*, not {digest} "):
        read_all(Dpr(name="squad1"))


def test_an_unreachable_host_is_one_line(host: Path, tmp_path: Path) -> None:
    with pytest.raises(
        EffbenchError, match=r"^dpr: cannot download .*trivia-train\.json\.gz: "
    ) as caught:
        read_all(Dpr(name="trivia"))
    file = tmp_path / "cache" / "dpr" / "biencoder-trivia-train.json.gz"
    assert str(caught.value).endswith(f"(connect, or put the file at {file})")
    assert "\n" not in str(caught.value)


def test_real_entries(shared_data: Path) -> None:
    path = shared_data / "dpr" / "nq-sample.biencoder.json"
    dataset = Dpr(path=path)
    docs, queries, qrels, pairs = read_all(dataset)

    assert dataset.dataset_id == "nq-sample.biencoder"
    assert (len(docs), len(queries), len(qrels), len(pairs)) == (168, 5, 18, 150)
    assert queries[3] == Query("q3", "who was the creator of victoria 's secret")
    assert docs[0].doc_id == "11828866"
    named = {qrel.doc_id for qrel in qrels} | {pair.doc_id_b for pair in pairs}
    assert named == {doc.doc_id for doc in docs}


SUITE = """\
suite: dpr
datasets: [{use: toy}, {use: dpr, path: tiny.json}]
measures: [nDCG@10]
models:
  tuned:
    use: centroids
    data: {examples: [{docpairs: {use: dpr, path: tiny.json}}], passages: words}
encoders:
  words: {use: words}
  tuned: {use: table, model: tuned, passages: words}
indexes:
  plain: {use: plain}
latency: false
"""


def records_of(folder: Path) -> dict[str, dict[str, Any]]:
    found = folder.glob("results/*/dpr/*--*.json")
    return {path.stem: json.loads(path.read_text()) for path in found}


def test_a_suite_trains_on_it(effbench, suite, write, tmp_path: Path) -> None:
    write(ENTRIES)
    done = effbench("run", suite(SUITE), "--results", tmp_path / "results")

    assert done.exit_code == 0, done.output
    assert {one["status"] for one in records_of(tmp_path).values()} == {"done"}


def test_a_cut_file_leaves_nothing_that_looks_finished(
    effbench, suite, write, tmp_path: Path
) -> None:
    path = write(",\n".join(["[" + GOOD, GOOD, GOOD[:-50]]))
    cut = f"{path}:3: the file ends before entry q2 does (download it again)"
    failed = effbench("run", suite(SUITE), "--results", tmp_path / "results")

    assert failed.exit_code == 1
    records = records_of(tmp_path)
    assert records.pop("toy--words--plain")["status"] == "done"
    assert len(records) == 3
    for one in records.values():
        assert one["status"] == "failed"
        assert cut in one["error"]
    finished = {path.parent.parent.name for path in tmp_path.glob("cache/*/*/manifest.json")}
    assert "examples" not in finished
    assert "model" not in finished

    write([ENTRIES[0]] * 3)
    mended = effbench("run", suite(SUITE), "--results", tmp_path / "results")
    assert mended.exit_code == 0, mended.output


def test_it_is_offered_to_suites() -> None:
    manager = pluggy.PluginManager("effbench")
    manager.add_hookspecs(effbench.api.hookspecs)
    manager.register(effbench_dpr)

    assert manager.hook.effbench_datasets() == [{"dpr": Dpr}]
