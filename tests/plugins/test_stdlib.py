from __future__ import annotations

import sysconfig
from pathlib import Path

import pluggy
import pytest

import effbench.api.hookspecs
import effbench_stdlib
from effbench import Doc, EffbenchError, Split
from effbench_stdlib import Stdlib

SOURCES = {
    "ast.py": '"""Only a summary, so no doc."""\n',
    "json/__init__.py": '"""Read and write JSON.\n\nA format of\n  many uses.\n"""\n',
    "json/decoder.py": '''
class JSONDecoder:
    """Simple decoder of JSON.

        Indented."""

    def decode(self):
        """Return what it says
        in Python's types."""

        def inner():
            """Inside a function.

            It is private."""

    try:
        async def decode_all(self):
            """Read and write JSON.

            Again: the package's summary, too."""
    except ValueError:
        pass


if True:
    def twice():
        """Two words

        are no query."""
else:
    def twice():
        """The other one of two.

        Invalid escape: \\d"""
''',
    "json/tests/test_decoder.py": '"""Left out, as a test.\n\nText."""\n',
    "ctypes/macholib/dyld_test.py": '"""Left out, as a test.\n\nText."""\n',
    "ensurepip/_bundled/pip.py": '"""Left out, as vendored.\n\nText."""\n',
    "site-packages/json/more.py": '"""Left out, as no part of it.\n\nText."""\n',
    "_json.py": '"""Left out, as private.\n\nText."""\n',
}
DECODER = "json.decoder.JSONDecoder"
DOCS = [
    Doc("json", "A format of\n  many uses.", "json"),
    Doc(DECODER, "Indented.", DECODER),
    Doc(f"{DECODER}.decode", "in Python's types.", f"{DECODER}.decode"),
    Doc(f"{DECODER}.decode_all", "Again: the package's summary, too.", f"{DECODER}.decode_all"),
    Doc("json.decoder.twice", "are no query.", "json.decoder.twice"),
    Doc("json.decoder.twice#2", "Invalid escape: \\d", "json.decoder.twice"),
]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a small standard library and have it found."""
    for name, source in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    monkeypatch.setattr(sysconfig, "get_path", {"stdlib": str(tmp_path)}.get)
    return tmp_path


@pytest.mark.usefixtures("library")
def test_docs_are_docstrings_without_their_summaries() -> None:
    dataset = Stdlib()

    assert dataset.docs_count() is None  # to parse the library takes seconds
    assert list(dataset.docs()) == list(dataset.docs()) == DOCS
    assert dataset.docs_count() == len(DOCS)
    assert dataset.drop_self_hits is False


@pytest.mark.usefixtures("library")
def test_queries_are_summaries_and_all_their_docs_are_relevant() -> None:
    splits = [Stdlib(split="train"), Stdlib(split="test")]
    queries = [query for dataset in splits for query in dataset.queries()]
    texts = {query.query_id: query.text for query in queries}

    judged = {(texts[q], doc_id, n) for each in splits for q, doc_id, n in each.qrels()}

    assert len(texts) == len(queries) == 4
    assert judged == {
        ("Read and write JSON.", "json", 1),
        ("Read and write JSON.", "json.decoder.JSONDecoder.decode_all", 1),
        ("Simple decoder of JSON.", "json.decoder.JSONDecoder", 1),
        ("Return what it says", "json.decoder.JSONDecoder.decode", 1),
        ("The other one of two.", "json.decoder.twice#2", 1),
    }


@pytest.mark.usefixtures("library")
def test_a_smaller_cap_keeps_a_part_of_the_same_docs() -> None:
    all_docs = list(Stdlib().docs())
    for cap in range(1, len(all_docs)):
        smaller, larger = (list(Stdlib(docs=n).docs()) for n in (cap, cap + 1))
        assert len(smaller) == cap
        assert smaller == [doc for doc in larger if doc in smaller]


def test_ids_follow_sources_cap_and_split_and_need_no_parsing(library: Path) -> None:
    (library / "json" / "broken.py").write_text("def (")
    test, train, capped = Stdlib(), Stdlib(split="train"), Stdlib(docs=3)

    assert test.corpus_key == train.corpus_key != capped.corpus_key
    assert len({each.key for each in (test, train, capped)}) == 3
    assert len({each.dataset_id for each in (test, train, capped)}) == 3
    assert test.dataset_id.startswith("stdlib/3.")
    assert test.dataset_id.endswith("/test")

    (library / "json" / "broken.py").unlink()
    assert Stdlib().corpus_key != test.corpus_key


@pytest.mark.usefixtures("library")
def test_splits_of_one_corpus() -> None:
    test = Stdlib(docs=3, packages=["json"], name="mine")
    train = test.split("train")

    assert isinstance(test, Split)
    assert test.splits == ("train", "test")
    assert (train.dataset_id, train.corpus_key) == ("mine/train", test.corpus_key)
    assert train.key == Stdlib(split="train", docs=3, packages=["json"]).key != test.key
    assert not {query.query_id for query in train.queries()} & {
        query.query_id for query in test.queries()
    }
    assert train.split("test").key == test.key
    with pytest.raises(EffbenchError, match=r"no split 'dev' \(it has: train, test\)"):
        test.split("dev")


def test_packages_are_cut_out_before_the_cap(library: Path) -> None:
    (library / "heapq.py").write_text('"""Heap queue of things.\n\nText."""\n')
    heap, json = Stdlib(packages=["heapq"]), Stdlib(docs=6, packages=["json", "ast", "json"])

    assert list(heap.docs()) == [Doc("heapq", "Text.", "heapq")]
    assert list(json.docs()) == DOCS
    assert json.corpus_key == Stdlib(docs=6, packages=["ast", "json"]).corpus_key
    keys = [each.corpus_key for each in (heap, json, Stdlib(), Stdlib(packages=["json"]))]
    assert len(set(keys)) == 4
    assert Stdlib(name="all").dataset_id == "all/test"
    assert Stdlib(name="all").key == Stdlib().key == Stdlib().dataset_id


def test_packages_without_public_sources_are_refused(library: Path) -> None:
    with pytest.raises(EffbenchError, match=r"no public sources of 'jsno' \(did you mean json"):
        Stdlib(packages=["ast", "jsno"])
    with pytest.raises(
        EffbenchError, match=r"no public sources of '_json' \(did you mean json"
    ):
        Stdlib(packages=["_json"])
    with pytest.raises(EffbenchError, match=r"packages is empty"):
        Stdlib(packages=[])


def test_what_cannot_be_is_refused_at_once(library: Path) -> None:
    with pytest.raises(EffbenchError, match=r"docs is 0 \(take 1 or more\)"):
        Stdlib(docs=0)
    (library / "ast.py").unlink()
    with pytest.raises(EffbenchError, match=r"holds no sources .*installed with its \.py"):
        Stdlib()


def test_the_collection_of_this_python_is_sound() -> None:
    dataset = Stdlib()

    doc_ids = [doc.doc_id for doc in dataset.docs()]
    queries = {query.query_id: query.text for query in dataset.queries()}
    qrels = list(dataset.qrels())

    assert len(doc_ids) == 2000
    assert doc_ids == sorted(set(doc_ids))
    assert not [doc_id for doc_id in doc_ids if doc_id.split() != [doc_id]]
    assert 300 <= len(queries) <= 1000
    assert {qrel.query_id for qrel in qrels} == set(queries)
    assert {qrel.doc_id for qrel in qrels} <= set(doc_ids)
    assert all(len(text.split()) >= 3 for text in queries.values())


def test_it_is_offered_to_suites() -> None:
    manager = pluggy.PluginManager("effbench")
    manager.add_hookspecs(effbench.api.hookspecs)
    manager.register(effbench_stdlib)

    assert manager.hook.effbench_datasets() == [{"stdlib": Stdlib}]


def test_collections_that_share_a_package_share_a_part() -> None:
    def parts(**options):
        return Stdlib(**options).parts

    assert parts(packages=["json"]) <= parts(packages=["json", "csv"]) <= parts()
    assert not parts(packages=["json"]) & parts(packages=["csv"])
    assert not parts(packages=["json"]) & parts(packages=["json"], split="train")
    read = Stdlib(packages=["json"])
    assert not read.parts & read.split("train").parts, "also when they were asked for before"
    corpora = ({corpus for corpus, _ in parts(split=split)} for split in ("train", "test"))
    assert len(set(map(frozenset, corpora))) == 1
