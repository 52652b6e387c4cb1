"""``effbench evaluate``: TREC run files in, scores or one clear line out."""

from __future__ import annotations

import gzip
import json
import os
import runpy
import threading
from pathlib import Path

import pytest

from altered import altered
from folders import ROOT

QRELS = "q1 0 a 1\nq1 0 b 0\nq2 0 c 2\nq3 0 a 1\n"
RUN = "q1 Q0 b 1 2.0 me\nq1 Q0 a 2 1.0 me\nq2 Q0 c 1 0.5 me\n"


@pytest.fixture
def files(tmp_path: Path):
    def write(qrels: str = QRELS, run: str = RUN) -> tuple[Path, Path]:
        (tmp_path / "qrels").write_text(qrels)
        (tmp_path / "run").write_text(run)
        return tmp_path / "qrels", tmp_path / "run"

    return write


def test_means_count_the_query_without_hits(effbench, files) -> None:
    found = effbench("evaluate", *files(), "-m", "MRR@10", "-m", "R@100")
    assert found.stdout == "RR@10\tall\t0.5000\nR@100\tall\t0.6667\n"


def test_per_query_and_json(effbench, files) -> None:
    found = effbench("evaluate", *files(), "-m", "RR", "--per-query", "--json")
    assert json.loads(found.stdout) == {
        "mean": {"RR": 0.5},
        "per_query": {"RR": {"q1": 0.5, "q2": 1.0, "q3": 0.0}},
    }


def test_beir_qrels_and_packed_runs(effbench, files, tmp_path: Path) -> None:
    qrels, run = files("query-id\tcorpus-id\tscore\nq1\ta\t1\nq2\tc\t2\nq3\ta\t1\n")
    packed = tmp_path / "run.trec.gz"
    packed.write_bytes(gzip.compress(run.read_bytes()))
    assert effbench("evaluate", qrels, packed, "-m", "RR").stdout == "RR\tall\t0.5000\n"


@pytest.mark.parametrize(
    ("qrels", "run", "message"),
    [
        (QRELS, "q1 Q0 a 1 2.0\n", "run:1: 5 columns (a run has six"),
        (QRELS, RUN + "q2 Q0 d 2 high me\n", "run:4: 'high' is not a number"),
        (QRELS, RUN + "q2 Q0 d 2 nan me\n", "run:4: 'nan' is not a number"),
        (QRELS, RUN + "q2 Q0 d 2 \u0663 me\n", "run:4: '\u0663' is not a number"),
        (QRELS, RUN + f"q2 Q0 d 2 {'x' * 9999} me\n", "run:4: 'xxx"),
        (f"q1 0 a {'x' * 9999}\n", RUN, "qrels:1: relevance 'xxx"),
        (QRELS, f"q1 Q0 {'a' * 9999} 1 1 me\n" * 2, "run: query 'q1' has doc 'aaa"),
        (QRELS, RUN + "q1 Q0 a 3 0.1 me\n", "query 'q1' has doc 'a' twice"),
        ("q1 a\n", RUN, "qrels:1: 2 columns"),
        ("q1 0 a yes\n", RUN, "qrels:1: relevance 'yes' is no integer"),
        ("\n", RUN, "no judgment in it"),
        ("q1 0 a 0.9\n", RUN, "qrels:1: relevance '0.9' is no integer (take 0, 1, 2, ...)"),
        ("q1 0 a 1_0\n", RUN, "qrels:1: relevance '1_0' is no integer"),
        ("q1 0 a inf\n", RUN, "qrels:1: relevance 'inf' is no integer"),
        ("q1 0 a 1e30\n", RUN, "qrels:1: relevance '1e30' is no integer"),
        ("q1 0 b 0\nq1 0 a 4294967297\n", RUN, "qrels:2: relevance is too large (take at mo"),
        ("q1 0 a -1000001\n", RUN, "qrels:1: relevance is too large"),
        ("q1 0 a 1\nq1 0 a 0\n", RUN, "qrels:2: query 'q1', doc 'a' has two judgments, 1 an"),
        ("q1 0 a 0\nq1 0 a 1\n", RUN, "qrels:2: query 'q1', doc 'a' has two judgments, 0 an"),
        ("q1 0 a 1\nq1 0 a\0 1\n", RUN, "qrels:2: a NUL byte (take an intact file)"),
        ("q1 0 a 1\n\ufeffq2 0 a 1\n", RUN, "qrels:2: a byte order mark inside the file"),
        (QRELS, RUN + "q2 Q0 \0 2 1 me\n", "run:4: a NUL byte"),
        (QRELS, RUN + "q2 Q0 d 2 1e400 me\n", "run:4: '1e400' is not a number (take a finite"),
        (QRELS, RUN + "q2 Q0 d 2 1_0 me\n", "run:4: '1_0' is not a number"),
        (QRELS, "1 Q0 a 1 2.0 me\n", "run: answers none of the queries of "),
    ],
)
def test_bad_files_get_one_line(effbench, files, qrels: str, run: str, message: str) -> None:
    found = effbench("evaluate", *files(qrels, run))
    assert found.exit_code == 2
    assert message in found.stderr
    assert found.stderr.count("\n") == 1
    assert len(found.stderr) < 1000


def test_a_rank_may_be_any_word(effbench, files) -> None:
    given = files(run="".join(f"q1 Q0 a{i} {'9' * 5000} {i} me\n" for i in range(2)))
    assert effbench("evaluate", *given, "-m", "RR").stdout == "RR\tall\t0.0000\n"


def test_a_run_may_come_through_a_pipe(effbench, files, tmp_path: Path) -> None:
    qrels, run = files()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=[run.read_text()])
    writer.start()
    assert effbench("evaluate", qrels, pipe, "-m", "RR").stdout == "RR\tall\t0.5000\n"
    writer.join()


def test_a_byte_order_mark_is_no_part_of_an_id(effbench, files) -> None:
    marked = files("\ufeff" + QRELS, "\ufeff" + RUN)
    assert effbench("evaluate", *marked, "-m", "RR").stdout == "RR\tall\t0.5000\n"
    beir = files("\ufeffquery-id\tcorpus-id\tscore\r\nq1\tb\t1\r\n")
    assert effbench("evaluate", *beir, "-m", "RR").stdout == "RR\tall\t1.0000\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (RUN.encode() + b"q2 Q0 \xff 2 0.1 me\n", "run:4: invalid start byte at byte 6 (save"),
        (b"\xff\xfeq\x001\x00", "run:1: this is UTF-16 (save the file as UTF-8)"),
        (gzip.compress(RUN.encode(), mtime=0)[:-9], "run:4: Compressed file ended before"),
        (gzip.compress(RUN.encode(), mtime=0)[:-8] + bytes(8), "run:4: CRC check failed"),
    ],
)
def test_a_damaged_run_is_one_line(effbench, files, content: bytes, message: str) -> None:
    qrels, run = files()
    run.write_bytes(content)
    found = effbench("evaluate", qrels, run)
    assert found.exit_code == 2
    assert message in found.stderr
    assert found.stderr.count("\n") == 1


def test_what_does_not_meet_is_said(effbench, files) -> None:
    found = effbench("evaluate", *files(run=RUN + "q9 Q0 a 1 1 me\n"), "-m", "RR")
    assert found.stderr == (
        "judged queries without hits: 1 of 3, they count 0; "
        "queries of the run that are not judged: 1, they do not count\n"
    )
    strange = files("q1 0 x 1\nq2 0 y 1\n")
    assert "no hit is a judged doc" in effbench("evaluate", *strange).stderr
    assert "no doc is judged relevant" in effbench("evaluate", *files("q1 0 a 0\n")).stderr


def test_scores_are_64_bit_floats(effbench, files) -> None:
    close = files("q1 0 a 1\n", "q1 Q0 b 1 1.00000001 me\nq1 Q0 a 1 1.00000002 me\n")
    assert effbench("evaluate", *close, "-m", "RR").stdout == "RR\tall\t1.0000\n"


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        ("P@0", "cutoff is 0 (take 1 to 1,000,000)"),
        ("R", "needs a cutoff (write R@100)"),
        ("AP(rel=0)", "rel is 0 (take 1 to 1,000,000)"),
        (
            "nDCG(gains={1:2147483647})@10",
            "gains maps integers to integers of at most 1,000,000",
        ),
        ("IPrec@0.125", "recall is 0.125 (take 0.00 to 1.00, in steps of 0.01)"),
        ("SetF(beta=0.00001)", "beta is 1e-05 (write it with few digits"),
        ("P(x=1)@3", "x is no parameter of it (it has cutoff, rel, judged_only)"),
        ("NumRel", "counts judgments"),
        ("(" * 999, "no measure"),
    ],
)
def test_a_measure_that_nobody_can_calculate_is_one_line(
    effbench, files, measure: str, message: str
) -> None:
    found = effbench("evaluate", *files(), "-m", measure)
    assert found.exit_code == 2
    assert message in found.stderr
    assert found.stderr.count("\n") == 1


def test_oracle_of_our_own_on_made_up_inputs() -> None:
    oracle = ROOT / "benchmarks" / "evaluate_oracle.py"
    worst, wrong, values = runpy.run_path(str(oracle))["compare"](60, seed=2)
    assert wrong == []
    assert worst < 1e-9
    assert values > 1000


def test_scores_that_rise_with_the_ranks_are_said(effbench, files) -> None:
    rising = "q1 Q0 b 1 0.1 me\nq1 Q0 a 2 0.2 me\nq1 Q0 c 3 0.2 me\n"
    found = effbench("evaluate", *files("q1 0 a 1\n", rising), "-m", "RR")
    assert "its scores rise with its ranks" in found.stderr
    for run in (rising + "q1 Q0 d 4 0.0 me\n", altered(rising, " 2 0.2", " 0 0.2")):
        found = effbench("evaluate", *files("q1 0 a 1\n", run), "-m", "RR")
        assert "its scores rise" not in found.stderr, "ranks of another order mean nothing"


def test_queries_without_a_relevant_doc_are_said(effbench, files) -> None:
    found = effbench("evaluate", *files("q1 0 a 1\nq2 0 c 0\n"), "-m", "RR")
    assert "judged queries without a relevant doc: 1 of 2, they count 0\n" in found.stderr
