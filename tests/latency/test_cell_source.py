"""A session is of what was planned when the run began, and of whole artifacts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from altered import altered
from effbench.latency import measure
from effbench.latency.samples import read_session

SUITE = """\
suite: toys
datasets: [{use: folder, path: docs}]
models:
  table: {use: table, targets: {texts: [{titles: target}], encoder: words}}
encoders:
  words: {use: words}
  slow: {use: alone, alone: near, ms: 0.0, passages: words}
  table: {use: table, model: table, passages: words}
indexes: {kept: {use: kept}, plain: {use: plain}}
latency: {queries: 11, warmup: 6, processes: 1, timeout: 30, batches: []}
"""


@pytest.fixture
def ran(effbench, suite, tmp_path, monkeypatch):
    """Run the suite, its session begun by ``meanwhile``; return the result and its header."""
    docs = tmp_path / "docs"
    (docs / "qrels").mkdir(parents=True)
    texts = [f"{one} {other}" for one in ("oak", "lamp", "kite") for other in "abcdefg"]
    for name in ("corpus", "queries"):
        lines = (
            json.dumps({"_id": f"{i}", "text": text, "title": text})
            for i, text in enumerate(texts)
        )
        (docs / f"{name}.jsonl").write_text("\n".join(lines))
    judged = "".join(f"{i}\t{i}\t1\n" for i in range(len(texts)))
    (docs / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}")
    path = suite(SUITE)

    def run(command: str = "run", meanwhile: Callable[[], object] = lambda: None):
        real = measure.measure_session

        def session(*arguments):
            meanwhile()
            return real(*arguments)

        monkeypatch.setattr(measure, "measure_session", session)
        found = effbench(command, path, "--results", tmp_path / "r")
        monkeypatch.setattr(measure, "measure_session", real)
        newest = max(
            (tmp_path / "r").glob("*/toys/latency/*.npz"), key=lambda one: one.stat().st_mtime
        )
        return found, read_session(newest)

    return run


def differing(session) -> set[str]:
    return {facts.row for facts in session.header.rows.values() if facts.differs}


def test_a_suite_that_is_edited_while_it_runs_is_measured_as_it_was(ran, tmp_path) -> None:
    path = tmp_path / "suite.yaml"
    found, session = ran(meanwhile=lambda: path.write_text(altered(SUITE, "0.0", "50.0")))
    assert found.exit_code == 0, found.output
    times = session.times("docs-test--slow--plain", "encode")[0][:, 2] / 1e6
    assert 0 < times.min() < 50
    path.write_text(SUITE)
    found, session = ran("latency", path.unlink)
    assert found.exit_code == 0, found.output
    assert not session.header.errors


def test_data_that_change_while_a_suite_runs_fail_the_rows_that_are_made_of_them(
    ran, tmp_path
) -> None:
    corpus = tmp_path / "docs" / "corpus.jsonl"
    found, session = ran(
        meanwhile=lambda: corpus.write_text(altered(corpus.read_text(), "oak", "ash", times=14))
    )
    assert found.exit_code == 1
    assert set(session.header.errors) == set(session.header.rows)
    assert (
        "FAILED docs-test--words--kept: latency: encoder 'words' (plugin toy): ended with code "
        "1: what it is made of has changed since the run began (run the suite again)"
    ) in found.stderr


def test_a_plugin_that_changes_while_a_suite_runs_fails_its_rows(ran, monkeypatch) -> None:
    from effbench.work import code

    real = code.digest
    planned = {"effbench_lazy": "as it was when the run began"}

    def digest(module: str) -> str:
        return planned.get(module, real(module))

    found, session = ran(meanwhile=lambda: monkeypatch.setattr(code, "digest", digest))
    assert found.exit_code == 1
    rows = {"words", "slow", "table"}
    assert set(session.header.errors) == {
        *(f"docs-test--{row}--kept" for row in rows), "docs-test--slow--plain",
    }  # fmt: skip
    assert "what it is made of has changed since the run began" in found.stderr


def zeroed(path: Path) -> None:
    """Overwrite the second half of a file with zeros."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))


def test_what_workers_open_is_verified_before_a_session(ran, tmp_path) -> None:
    ran()
    cache = tmp_path / "cache"
    damaged = [
        *cache.glob("index/*/saved/vectors.npy"),
        *cache.glob("encode/*/00000.npy"),
        *cache.glob("model/*/model/table.npy"),
    ]
    assert len(damaged) == 3
    before = [path.read_bytes() for path in damaged]
    for path in damaged:
        zeroed(path)
    found, session = ran("latency")
    assert found.exit_code == 0, found.output
    assert [path.read_bytes() for path in damaged] == before
    assert found.stderr.count("lost or damaged, making it again") == 3
    assert differing(session) == set()


def test_what_no_worker_opens_is_not_verified(ran, tmp_path) -> None:
    from effbench.offers import plugins
    from effbench.plan import planner as planning

    path = tmp_path / "suite.yaml"
    plan = planning.make(path, plugins.load(), tmp_path / "digests.json", tmp_path)
    (cell,) = [one for one in plan.cells if one.name == "docs-test--table--kept"]
    assert {step.label.partition(" on ")[0] for step in cell.opened} == {
        "train table with table", "encode words corpus of docs/test", "index kept of words",
    }  # fmt: skip
    labels = {step.label for step in plan.steps().values()}
    assert "encode words titles of docs/test" in labels, "what the model was trained on"


def test_what_is_damaged_during_a_session_is_marked(ran, tmp_path) -> None:
    def damage() -> None:
        (path,) = (tmp_path / "cache").glob("index/*/saved/vectors.npy")
        zeroed(path)

    found, session = ran(meanwhile=damage)
    assert found.exit_code == 0, found.output
    differs = {
        cell for cell, facts in session.header.rows.items() if "end to end" in facts.differs
    }
    assert differs == {f"docs-test--{row}--kept" for row in ("words", "slow", "table")}


def test_a_worker_makes_nothing_itself(ran, tmp_path) -> None:
    def remove() -> None:
        for path in (tmp_path / "cache").glob("model/*/manifest.json"):
            path.unlink()

    found, session = ran(meanwhile=remove)
    assert found.exit_code == 1
    assert set(session.header.errors) == {
        "docs-test--table--kept",
        "docs-test--table--plain",
    }
    said = "train table with table: its folder in the cache has changed since the run began"
    assert said in found.stderr


def test_a_worker_reads_no_other_dataset(ran, suite, tmp_path) -> None:
    shutil.copytree(tmp_path / "docs", tmp_path / "more")
    suite(
        "suite: toys\n"
        "datasets: [{use: folder, path: docs}, {use: folder, path: more}]\n"
        "retrievers: {scan: {use: scan}}\n"
        "latency: {queries: 11, warmup: 6, processes: 1, timeout: 30}\n"
    )
    found, _ = ran(meanwhile=lambda: shutil.rmtree(tmp_path / "more", ignore_errors=True))
    assert found.exit_code == 1
    assert "FAILED more-test--scan: latency: " in found.stderr
    (path,) = (tmp_path / "r").glob("*/toys/latency/docs-test--*.npz")
    assert not read_session(path).header.errors
