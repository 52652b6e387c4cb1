"""``effbench evaluate``: TREC run files in, scores or one clear line out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

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
        (QRELS, RUN + "q1 Q0 a 3 0.1 me\n", "query 'q1' has a doc twice"),
        ("q1 a\n", RUN, "qrels:1: 2 columns"),
        ("q1 0 a yes\n", RUN, "qrels:1: relevance 'yes' is no integer"),
        ("\n", RUN, "no judgment in it"),
    ],
)
def test_bad_files_get_one_line(effbench, files, qrels: str, run: str, message: str) -> None:
    found = effbench("evaluate", *files(qrels, run))
    assert found.exit_code == 2
    assert message in found.stderr
    assert found.stderr.count("\n") == 1
