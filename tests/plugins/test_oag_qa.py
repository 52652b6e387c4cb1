"""OAG-QA's files, well and badly made: real ones could not be had (docs/datasets.md)."""

from __future__ import annotations

import ast
import csv
import json
import logging
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pluggy
import pytest

import effbench.api.hookspecs
import effbench_oag_qa
from effbench import Doc, EffbenchError, Qrel, Query
from effbench.api.encoders import Split
from effbench_oag_qa import OagQa
from effbench_oag_qa.matching import EqualTitles, TitleTokens, tokens
from effbench_oag_qa.topics import DISCIPLINES, TOPICS

NLP = DISCIPLINES["NLP"]
PAPERS = (
    "\ufeffid\tabstract\ttitle\r\n"
    '10\t"A ""quoted"" one\nof two lines,\twith a tab"\tDeep Sets\r\n'
    "\r\n"
    '11\ta lone " mark \u2028 here\t Graphs and Deep Sets \r\n'
    "12\t\tDeep Sets\r\n"
    "12\t\tDeep Sets\r\n"
    '13\tlast\tCaf\u00e9 "Au" Lait'
)
QUESTIONS = (
    "What are sets?\t['Deep Sets', 'No such paper']\n"
    "Who asked?\t['Unknown']\n"
    "   \n"
    """Which graphs?\t"['Graphs and Deep Sets', ""deep sets""]"\n"""
    "Where is coffee?\t['CAFE\u0301 \"AU', '\\alpha']\n"
)
OTHERS = "10\tx\tLong Memory\n", "What remembers?\t('Long Memory',)\n"


def write(folder: Path, topic: str, papers: str, questions: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for kind, text in (("papers-10k", papers), ("questions", questions)):
        content = text.encode("utf-8", "surrogateescape")
        (folder / f"{topic}-{kind}.tsv").write_bytes(content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write the two topics of a discipline."""
    path = tmp_path / "oag-qa"
    write(path, NLP[0], PAPERS, QUESTIONS)
    write(path, NLP[1], *OTHERS)
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Callable[..., OagQa]:
    """Make a dataset of one topic with other papers or questions."""

    def make(papers: str = "1\ta\tt\n", questions: str = "q\t['t']\n", **others: Any) -> OagQa:
        write(tmp_path, "algebra", papers, questions)
        return OagQa(tmp_path, topic="algebra", **others)

    return make


def read_all(dataset: OagQa) -> tuple[list[Doc], list[Query], list[Qrel]]:
    return list(dataset.docs()), list(dataset.queries()), list(dataset.qrels())


def test_a_topic_is_what_its_files_hold(folder: Path) -> None:
    dataset = OagQa(folder, topic=NLP[0])

    for _ in range(2):  # the same each time
        docs, queries, qrels = read_all(dataset)
        assert docs == [
            Doc("10", 'A "quoted" one\nof two lines,\twith a tab', "Deep Sets"),
            Doc("11", 'a lone " mark \u2028 here', " Graphs and Deep Sets "),
            Doc("12", "", "Deep Sets"),
            Doc("13", "last", 'Caf\u00e9 "Au" Lait'),
        ]
        assert queries == [Query("q1", "What are sets?"), Query("q3", "Which graphs?")]
        assert qrels == [Qrel("q1", "10", 1), Qrel("q1", "12", 1), Qrel("q3", "11", 1)]
    assert docs[0].default_text().startswith('Deep Sets A "quoted"')
    assert dataset.docs_count() is None
    assert dataset.drop_self_hits is False
    assert dataset.dataset_id == f"oag-qa/{NLP[0]}"


def test_the_authors_rule_looks_for_tokens_inside_titles(folder: Path) -> None:
    dataset = OagQa(folder, topic=NLP[0], match="tokens")

    assert {(one.query_id, one.doc_id) for one in dataset.qrels()} == {
        *(("q1", one) for one in ("10", "11", "12")),
        *(("q3", one) for one in ("10", "11", "12")),
        ("q4", "13"),
    }
    assert dataset.dataset_id == f"oag-qa/{NLP[0]}-tokens"
    assert ":tokens:" in dataset.key != OagQa(folder, topic=NLP[0]).key


@pytest.mark.parametrize(
    ("answer", "title", "equal", "within"),
    [
        ("Deep Sets", " Deep Sets\t", True, True),
        ("deep sets", "Deep Sets", False, True),
        ("Deep Sets", "On Deep Sets, again", False, True),
        ("Deep Sets", "Deep and Sets", False, False),
        ("eep Set", "Deep Sets", False, False),
        ("Caf\u00e9", "cafe\u0301", False, True),
        ("Cafe", "caf\u00e9", False, False),
        ("a-b", "A - B", False, True),
        ("a-b", "a b", False, False),
        ("sets sets", "sets", False, False),
        ("", "Deep Sets", False, False),
        (" \u00ad\n", "Deep Sets", False, False),
    ],
)
def test_the_rules(answer: str, title: str, equal: bool, within: bool) -> None:
    titles = ["other", title, "more"]

    assert list(EqualTitles(titles).find(answer)) == [1] * equal
    assert list(TitleTokens(titles).find(answer)) == [1] * within


def test_tokens_are_runs_of_letters_numbers_and_marks() -> None:
    assert tokens("x_1=\u03b1\u00b2 (\u00c5)\u200b\u65e5") == [
        *("x", "_", "1", "=", "\u03b1\u00b2"),
        *("(", "a\u030a", ")", "\u65e5"),
    ]


def test_a_discipline_is_the_union_of_its_topics(folder: Path) -> None:
    docs, queries, qrels = read_all(OagQa(folder, discipline="nlp"))

    assert [doc.doc_id for doc in docs] == [f"{NLP[0]}:{one}" for one in (10, 11, 12, 13)] + [
        f"{NLP[1]}:10"
    ]
    assert queries[-1] == Query(f"{NLP[1]}:q1", "What remembers?")
    assert qrels[-1] == Qrel(f"{NLP[1]}:q1", f"{NLP[1]}:10", 1)
    assert OagQa(folder, discipline="nlp").dataset_id == "oag-qa/NLP"


def test_no_topic_and_no_discipline_are_all_topics(tmp_path: Path) -> None:
    for topic in TOPICS:
        write(tmp_path / "oagqa-topic-v2", topic, "1\t\tsame\n", "q\t['same']\n")
    dataset = OagQa(tmp_path)

    docs, queries, qrels = read_all(dataset)
    assert len(docs) == len(queries) == len(qrels) == len(TOPICS) == 87
    assert [doc.doc_id for doc in docs] == [f"{topic}:1" for topic in TOPICS]
    assert dataset.dataset_id == "oag-qa/all"


def test_what_matches_nothing_is_counted(folder: Path, caplog) -> None:
    caplog.set_level(logging.INFO)
    list(OagQa(folder, topic=NLP[0]).queries())

    (line,) = caplog.messages
    assert line.endswith(
        "-questions.tsv: 5 of 7 answers match no paper's title; "
        "2 of 4 questions have no paper and are left out"
    )


def test_splits_share_no_question_and_are_all_questions(broken) -> None:
    texts = [f"question {number % 150}" for number in range(200)]  # some stand twice
    questions = "".join(f"{text}\t['t']\n" for text in texts)
    dataset = broken(questions=questions)
    assert isinstance(dataset, Split)

    parts = {name: list(dataset.split(name).queries()) for name in dataset.splits}
    assert sorted(chain.from_iterable(parts.values())) == sorted(dataset.queries())
    found = {name: {query.text for query in queries} for name, queries in parts.items()}
    assert sum(map(len, found.values())) == 150
    assert 105 <= len(found["train"]) <= 135
    assert all(found.values())
    for name in dataset.splits:
        one = dataset.split(name)
        assert list(broken(split=name, questions=questions).queries()) == parts[name]
        assert one.dataset_id == f"oag-qa/algebra/{name}"
        assert {qrel.query_id for qrel in one.qrels()} == {q.query_id for q in parts[name]}
        assert one.corpus_key == dataset.corpus_key
        assert one.split(name) is one


def test_a_split_is_known_by_its_name(broken) -> None:
    with pytest.raises(EffbenchError, match=r"^mine: no split 'tset' \(it has: train, dev"):
        broken(name="mine").split("tset")
    assert broken(name="mine").split("dev").dataset_id == "mine/dev"


def test_parts_say_what_overlaps(folder: Path) -> None:
    def make(**options: Any) -> OagQa:
        return OagQa(folder, **options)

    def overlap(one: OagQa, two: OagQa) -> int:
        return len(set(one.parts) & set(two.parts))

    one, other, union = make(topic=NLP[0]), make(topic=NLP[1]), make(discipline="NLP")
    assert overlap(one, other) == 0
    assert overlap(one, union) == 3
    assert overlap(one.split("train"), union) == 1
    assert overlap(one.split("train"), union.split("test")) == 0
    assert overlap(one, make(topic=NLP[0], match="tokens", split="dev")) == 1
    assert {corpus for corpus, _ in union.parts} == {one.corpus_key, other.corpus_key}


def test_keys_follow_content_rule_split_and_ids(folder: Path, tmp_path: Path) -> None:
    options = [
        *({"topic": NLP[0], "match": match} for match in ("equal", "tokens")),
        *({"topic": NLP[0], "split": split} for split in ("train", "dev", "test")),
        *({"topic": NLP[1]}, {"discipline": "NLP"}, {}),
    ]
    made = [OagQa(folder, **some) for some in options]
    assert len({one.key for one in made}) == len(made)
    assert len({one.corpus_key for one in made}) == 4

    write(tmp_path / "again" / "oagqa-topic-v2", NLP[0], PAPERS, QUESTIONS)
    again = OagQa(tmp_path / "again", topic=NLP[0])
    assert (again.key, again.corpus_key) == (made[0].key, made[0].corpus_key)
    write(folder, NLP[0], PAPERS, QUESTIONS + "More?\t[]\n")
    assert OagQa(folder, topic=NLP[0]).corpus_key == again.corpus_key
    assert OagQa(folder, topic=NLP[0]).key != again.key
    write(folder, NLP[0], PAPERS + "s", QUESTIONS)
    assert OagQa(folder, topic=NLP[0]).corpus_key != again.corpus_key
    assert OagQa(folder, topic=NLP[0]).key != again.key


@pytest.mark.parametrize(
    ("papers", "message"),
    [
        ("1\ta\n", r":1: 2 columns, not 3 \(write id TAB abstract TAB title; quote a cell"),
        ("1\ta\tt\n\n2\ta\tb\tt\n", r":3: 4 columns, not 3"),
        ("id\tabstract\ttitle\n1 a t\n", r":2: 1 columns, not 3"),
        ("1\ta\tt\nid\tabstract\ttitle\nid\ta\tb\n", r":3: id 'id' is another paper at .*:2 "),
        ("1 2\ta\tt\n", r":1: id is '1 2' \(take a string without white space"),
        ("\ta\tt\n", r":1: id is ''"),
        ("1\ta\t \n", r":1: an empty title \(write one, or drop it\)"),
        ('1\t"a\nb"\tt\n1\ta\tu\n', r":3: id '1' is another paper at .*tsv:1 \(keep one\)"),
        ("1\ta\tt\n2\t\udcff\tt\n", r":2: invalid start byte at byte 2 \(save the file as"),
        ('1\t"a\n\udcff"\tt\n', r":2: invalid start byte"),
        ("1\ta\tt\n2\ta\0\tt\n", r":2: a NUL byte"),
        ('1\ta\tt\n2\t"a\tt\n3\ta\tt\n', r":2: unexpected end of data \(close a quoted cell"),
        ('1\ta\tt\n2\ta\t"t', r":2: unexpected end of data"),
        ('1\t"a\tt\n2\t"b\tt\n', r":1: 'TAB' expected after '\"' \(close a quoted cell"),
        ("1\ta\tt\r2\ta\tt\r", r":1: a carriage return outside quotes"),
        (f"1\ta\tt\n2\t{'a' * 140_000}\tt\n", r":2: field larger than field limit"),
        ("", r"10k.tsv: no papers \(write id TAB abstract TAB title\)"),
        ("id\tabstract\ttitle\n", r"10k.tsv: no papers"),
    ],
)
def test_a_malformed_paper_is_named(broken, tmp_path: Path, papers, message) -> None:
    dataset = broken(papers=papers)

    for read in (dataset.docs, dataset.queries, dataset.qrels):
        with pytest.raises(EffbenchError, match=message) as caught:
            list(read())
        assert str(caught.value).startswith(str(tmp_path / "algebra-papers-10k.tsv"))
        assert "\n" not in str(caught.value)


NO_LIST = r"are no list of titles \(write a Python literal: \['One title'"


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        ("q\n", r":1: 1 columns, not 2 \(write question TAB answers; quote a cell"),
        ("q\t['t']\t['u']\n", r":1: 3 columns, not 2"),
        ("q\t['t']\n\n \t['t']\n", r":3: an empty question \(write one, or drop it\)"),
        ("q\t['t'\n", rf":1: answers \"\['t'\" {NO_LIST}"),
        ("q\tt\n", f":1: answers 't' {NO_LIST}"),
        ("q\t't'\n", NO_LIST),
        ("q\t{'t'}\n", NO_LIST),
        ("q\t{[]}\n", NO_LIST),
        ("q\t['t', 1]\n", NO_LIST),
        ("q\t\n", f":1: answers '' {NO_LIST}"),
        ("q\t__import__('pathlib').Path('evaluated').touch() or []\n", NO_LIST),
        (f"q\t{'[' * 5000}\n", NO_LIST),
        (f"q\t[{'-' * 50_000}1]\n", NO_LIST),
        (f"q\t[{'9' * 5000}]\n", NO_LIST),
        ("q\t\"['t']\n", ":1: unexpected end of data"),
        ("q\t['\udcff']\n", ":1: invalid start byte"),
        ("\n", r"questions.tsv: no questions \(write question TAB answers\)"),
    ],
)
def test_a_malformed_question_is_named(
    broken, tmp_path: Path, monkeypatch, questions, message
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = broken(questions=questions)

    for read in (dataset.queries, dataset.qrels):
        with pytest.raises(EffbenchError, match=message) as caught:
            list(read())
        assert str(caught.value).startswith(str(tmp_path / "algebra-questions.tsv"))
        assert len(str(caught.value)) < 400
    assert not Path("evaluated").exists()


def test_files_without_a_match_are_doubted(broken) -> None:
    with pytest.raises(EffbenchError, match=r"no answer is a paper's title \(are the columns"):
        list(broken(questions="q\t['u']\n").qrels())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"discipline": "nlpp"},
            r"^oag-qa: there is no discipline 'nlpp' \(did you mean NLP\?\)$",
        ),
        ({"discipline": "xyz"}, r"\(disciplines: GEOMETRY, .*, ECONOMICS\)$"),
        ({"topic": "algebr"}, r"there is no topic 'algebr' \(did you mean algebra"),
        ({"topic": "NLP"}, r"there is no topic 'NLP' \(discipline: NLP is one\)$"),
        ({"topic": "../algebra"}, r"there is no topic '\.\./algebra'"),
        (
            {"topic": "algebra", "discipline": "ALGEBRA"},
            r"topic and discipline \(give one, or none",
        ),
    ],
)
def test_a_wrong_name_is_said_at_once(folder: Path, options, message) -> None:
    with pytest.raises(EffbenchError, match=message):
        OagQa(folder, **options)


def test_a_topic_of_ones_own_has_its_files(folder: Path) -> None:
    write(folder, "my-own_1", *OTHERS)
    assert len(list(OagQa(folder, topic="my-own_1").qrels())) == 1
    with pytest.raises(EffbenchError, match="there is no topic 'my own'"):
        OagQa(folder, topic="my own")


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "oagqa.zip").touch()
    with pytest.raises(EffbenchError, match=r"zip: a file \(unpack it"):
        OagQa(tmp_path / "oagqa.zip")


def test_disciplines_are_the_authors(shared_data: Path) -> None:
    lists = shared_data / "oag-qa" / "oagqa_eval_lists"
    for path in lists.iterdir():
        dataset = OagQa(Path("none"), discipline=path.name)
        name = dataset.dataset_id.removeprefix("oag-qa/")
        assert set(DISCIPLINES[name]) == set(path.read_text().split())
    assert len(list(lists.iterdir())) == len(DISCIPLINES) == 22
    assert len(set(TOPICS)) == len(TOPICS) == 87


SUITE = """\
suite: papers
datasets:
  - {use: oag-qa, path: oag-qa, topic: natural_language_processing}
  - {use: oag-qa, path: oag-qa, discipline: nlp, match: tokens}
measures: [Success@20]
retrievers:
  bm25: {use: bm25}
latency: false
"""


@pytest.fixture
def run(effbench, suite, tmp_path: Path):
    """Run the suite; return the exit, and the records by dataset."""

    def start() -> tuple[Any, dict[str, dict]]:
        done = effbench("run", suite(SUITE), "--results", tmp_path / "results")
        paths = tmp_path.glob("results/*/papers/*--bm25.json")
        records = [json.loads(path.read_text()) for path in paths]
        return done, {one["dataset"]: one for one in records}

    return start


def test_a_suite_runs_on_it(run, folder: Path) -> None:
    done, records = run()

    assert done.exit_code == 0, done.stderr
    assert {name: len(one["per_query"]["Success@20"]) for name, one in records.items()} == {
        f"oag-qa/{NLP[0]}": 2,
        "oag-qa/NLP-tokens": 4,
    }


@pytest.mark.parametrize("kind", ["papers-10k", "questions"])
def test_a_broken_file_leaves_no_half_of_a_dataset(
    run, folder: Path, tmp_path: Path, kind: str
) -> None:
    path = folder / f"{NLP[1]}-{kind}.tsv"
    path.write_text(f"{path.read_text()}broken\n")
    done, records = run()

    assert done.exit_code == 1
    assert f"{path}:2: 1 columns" in done.stderr
    assert records[f"oag-qa/{NLP[0]}"]["status"] == "done"
    failed = records["oag-qa/NLP-tokens"]
    assert failed["status"] == "failed"
    assert f"{path}:2: 1 columns" in json.dumps(failed)
    cached = [*(tmp_path / "cache").rglob("queries.jsonl")]
    assert not any(NLP[1] in one.read_text() for one in cached)


def test_a_plan_needs_no_files_and_a_run_says_what_is_missing(
    effbench, suite, run, tmp_path: Path
) -> None:
    planned = effbench("plan", suite(SUITE), "--steps")
    assert planned.exit_code == 0, planned.stderr
    assert "oag-qa/NLP-tokens" in planned.stdout

    done, records = run()
    assert done.exit_code == 1
    assert {one["status"] for one in records.values()} == {"skipped"}
    assert "0 failed, 2 skipped" in done.stderr
    missing = tmp_path.resolve() / "oag-qa" / f"{NLP[0]}-papers-10k.tsv"
    for name, others in (
        (f"oag-qa/{NLP[0]}", "is 1 more"),
        ("oag-qa/NLP-tokens", "are 3 more"),
    ):
        assert f"{name}: no data: {missing} is missing, as {others}" in done.stderr
        assert f"TOPIC-questions.tsv into {missing.parent} or its folder" in done.stderr


def test_a_folder_that_comes_later_is_read(run, tmp_path: Path) -> None:
    assert run()[0].exit_code == 1
    for topic in NLP:
        write(tmp_path / "oag-qa" / "oagqa-topic-v2", topic, PAPERS, QUESTIONS)
    assert run()[0].exit_code == 0


def test_what_was_planned_without_files_stays_without(tmp_path: Path) -> None:
    dataset = OagQa(tmp_path, topic="algebra")
    keys = dataset.corpus_key, dataset.key
    write(tmp_path, "algebra", *OTHERS)

    assert (dataset.corpus_key, dataset.key) == keys
    with pytest.raises(EffbenchError, match="no data"):
        list(dataset.docs())
    assert len(list(OagQa(tmp_path, topic="algebra").qrels())) == 1


def test_it_is_offered_to_suites() -> None:
    manager = pluggy.PluginManager("effbench")
    manager.add_hookspecs(effbench.api.hookspecs)
    manager.register(effbench_oag_qa)

    assert manager.hook.effbench_datasets() == [{"oag-qa": OagQa}]


def test_questions_of_natural_questions_are_in_the_same_format(
    shared_data: Path, tmp_path: Path
) -> None:
    """DPR's file of questions and answers is real; papers are made of its first answers."""
    source = shared_data / "dpr" / "nq.dev.qa.tsv"
    if not source.is_file():
        pytest.skip("no dpr/nq.dev.qa.tsv there")
    with source.open(encoding="utf-8", newline="") as file:
        answers = [ast.literal_eval(row[1]) for row in csv.reader(file, delimiter="\t")]
    titles = list(dict.fromkeys(given[0] for given in answers))
    (tmp_path / "algebra-questions.tsv").write_bytes(source.read_bytes())
    with (tmp_path / "algebra-papers-10k.tsv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t", lineterminator="\n")
        rows.writerows([f"p{i}", f"about {title}", title] for i, title in enumerate(titles))
    dataset = OagQa(tmp_path, topic="algebra")
    assert len(list(dataset.queries())) == len(answers) == 8757
    good = {qrel.query_id for qrel in dataset.qrels()}
    assert len(good) == 8757
    parts = [len(list(dataset.split(name).queries())) for name in dataset.splits]
    assert sum(parts) == 8757
    assert [round(part / 8757, 1) for part in parts] == [0.8, 0.1, 0.1]
