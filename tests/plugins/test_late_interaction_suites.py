"""Suites with ``late-interaction``, ``muvera`` and a second stage of token vectors."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from altered import altered
from made_multi_vector import save_bert

pytest.importorskip("sentence_transformers")

SUITE = """\
suite: late
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  late: {use: late-interaction, model: MODEL, device: cpu, batch_size: 7}
  halved: {use: late-interaction, model: MODEL, device: cpu, pool_factor: 2, store: float16}
  muvera: {use: muvera, tokens: late, sweep: {bits: [3, 4]}}
indexes: {exact: {use: exact}}
retrievers:
  scan: {use: scan}
  reranked: {use: rerank, first: scan, depth: 60, encoder: late}
latency: false
"""


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bert(tmp_path_factory.mktemp("suite_bert"))


def test_a_suite_has_token_vectors_muvera_and_a_second_stage(
    run, records, tmp_path: Path, bert: Path
) -> None:
    result = run(altered(SUITE, "MODEL", str(bert), times=2))
    assert result.exit_code == 0, result.output
    assert result.output.count("encode late corpus of toy: 60 docs in") == 1
    rows = {record["row"]["name"] for record in records().values()}
    assert rows == {"late", "halved", "muvera bits=3", "muvera bits=4", "scan", "reranked"}
    late, reranked = (run_of(tmp_path, cell) for cell in ("late--exact", "reranked"))
    for query, hits in reranked.items():
        # scan finds only docs that share a word with the query
        assert hits == pytest.approx({doc: late[query][doc] for doc in hits}, rel=1e-4)
    for row in ("muvera-bits=3", "muvera-bits=4", "halved"):
        hits = run_of(tmp_path, f"{row}--exact")
        pairs = [(late[query][doc], hits[query][doc]) for query in late for doc in late[query]]
        assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.7


def run_of(folder: Path, cell: str) -> dict[str, dict[str, float]]:
    (path,) = folder.glob(f"results/*/late/runs/toy--{cell}.trec.gz")
    hits: dict[str, dict[str, float]] = {}
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        query, _, doc, _, score, _ = line.split()
        hits.setdefault(query, {})[doc] = float(score)
    return hits


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tokens: late", "tokens: muvera2", "no row 'muvera2' in encoders"),
        ("sweep: {bits: [3, 4]}", "bits: 11", "bits: 11 is out of range"),
        ("sweep: {bits: [3, 4]}", "dims: 99999", "muvera: dims 99999 is more"),
        ("pool_factor: 2", "pool_factor: 0.5", "pool_factor: 0.5 is out of range"),
        ("pool_factor: 2", "dims: 0", "dims: 0 is out of range"),
        ("pool_factor: 2", "dtype: float16", "dtype: float16 is about a hundred times slower"),
        (
            "  muvera: {use: muvera, tokens: late, sweep: {bits: [3, 4]}",
            "  words: {use: words}\n  muvera: {use: muvera, tokens: words",
            "'words' makes dense vectors, and 'muvera' takes token vectors",
        ),
    ],
)
def test_a_mistake_is_a_line_of_the_plan(
    effbench, suite, bert: Path, old: str, new: str, said: str
) -> None:
    text = altered(altered(SUITE, "MODEL", str(bert), times=2), old, new)
    planned = effbench("plan", suite(text))
    assert planned.exit_code == 2
    (line,) = planned.stderr.splitlines()
    assert said in line
