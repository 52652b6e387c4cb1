"""Searches in chunks of queries: the same run, and a killed search keeps its chunks."""

from __future__ import annotations

import random

import numpy as np
import pytest

from effbench.api.encoders import ScoredDoc
from effbench.steps import chunks
from effbench.store.trec import Hits, ordered, stream_rankings, write_trec
from made_suites import TOYS


@pytest.fixture
def one_query_a_chunk(monkeypatch) -> None:
    """Let no second query fit in the memory of a chunk."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 1)


@pytest.fixture
def runs(tmp_path):
    """Return and forget the bytes of all runs in the cache, by folder; forget the records."""

    def take() -> dict[str, bytes]:
        found = {path.parent.name: path.read_bytes() for path in tmp_path.glob(RUNS)}
        for path in [*tmp_path.glob("results/*/toys/*--*.json"), *tmp_path.glob(MANIFESTS)]:
            path.unlink()
        return found

    return take


RUNS, MANIFESTS = "cache/run/*/run.trec", "cache/run/*/manifest.json"


def test_chunks_give_the_run_of_one_search(run, runs, monkeypatch, tmp_path) -> None:
    run(TOYS)
    whole = runs()
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 1)
    assert run(TOYS).exit_code == 0
    assert len(whole) == 5
    assert runs() == whole
    assert not list(tmp_path.glob("cache/run/*/part-*"))


def test_a_killed_search_keeps_its_whole_chunks(
    run, runs, monkeypatch, tmp_path, one_query_a_chunk
) -> None:
    run(TOYS)
    whole, writing, asked = runs(), chunks.write_atomically, []

    def dying(path, write) -> None:
        if path.name == "part-00007.trec":
            raise KeyboardInterrupt
        writing(path, write)

    monkeypatch.setattr(chunks, "write_atomically", dying)
    run(TOYS)
    kept = sorted(path.name for path in tmp_path.glob("cache/run/*/part-*.trec"))
    assert kept == [f"part-{number:05}.trec" for number in range(7)]
    (damaged,) = tmp_path.glob("cache/run/*/part-00003.trec")
    damaged.write_bytes(damaged.read_bytes()[:-1])

    def noting(path, write) -> None:
        asked.append((path.parent.name, path.name))
        writing(path, write)

    monkeypatch.setattr(chunks, "write_atomically", noting)
    found = run(TOYS)
    assert found.exit_code == 0, found.output
    again = [name for folder, name in asked if folder == damaged.parent.name]
    assert again == [f"part-{number:05}.trec" for number in (3, *range(7, len(again) + 6))]
    assert runs() == whole


@pytest.mark.parametrize("docs", [1_000, 100_000_000])
def test_a_chunk_has_no_more_than_its_memory(docs) -> None:
    size = chunks.chunk_size(12_000 + 3_072, docs)
    assert size * 15_072 <= chunks.CHUNK_BYTES
    assert size == (chunks.FEWEST if docs > 1_000_000 else chunks.CHUNK_BYTES // 15_072)


SPECIAL = [0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, 1.0, 1 - 1e-9, 1e-40, 5.0, 5.0]


@pytest.mark.parametrize("seed", range(40))
def test_a_run_has_the_order_and_the_scores_that_were_always_written(seed, tmp_path) -> None:
    chance = random.Random(seed)
    docs = [f"d{n}" for n in chance.sample(range(100), 25)]
    gauss = [round(chance.gauss(0, 1), seed % 3) for _ in docs]
    scores = sorted(gauss if seed % 2 else chance.choices(SPECIAL, k=25), reverse=True)
    hits = [ScoredDoc(*hit) for hit in zip(docs, scores, strict=True)]
    drop = docs[seed] if seed < len(docs) else None
    write_trec(tmp_path / "run", [Hits.of("q", hits).best(20, drop=drop)], "tag")
    best = ordered(hits, 20, drop=drop)
    assert (tmp_path / "run").read_text() == "".join(lines(best))
    ids = [hit.doc_id for hit in best]
    assert list(stream_rankings(tmp_path / "run")) == [("q", ids)]


def lines(hits):
    """Yield the lines of a run, hit by hit."""
    last = np.float32(np.inf)
    for rank, hit in enumerate(hits, start=1):
        score = np.float32(min(max(hit.score, -3e38), 3e38))
        last = score if score < last else np.nextafter(last, np.float32(-np.inf))
        yield f"q Q0 {hit.doc_id} {rank} {last} tag\n"
