"""What is timed of a query."""

from __future__ import annotations

TYPED = """\
suite: toys
datasets: [{use: folder, path: odd}]
encoders:
  words: {use: words}
  typed: {use: typed, passages: words}
indexes: {plain: {use: plain}}
"""


def test_words_read_while_the_user_types_are_off_the_clock(
    suite, tmp_path, monkeypatch
) -> None:
    """The clock is the number of calls that the encoder has logged."""
    from effbench.latency import spans, timing
    from effbench.offers import plugins
    from effbench.plan import planner as planning
    from effbench.store.artifacts import Store
    from effbench.work.progress import Silent
    from effbench.work.workbench import Workbench

    log, odd = tmp_path / "log", tmp_path / "odd"
    monkeypatch.setenv("TOY_LOG", str(log))
    monkeypatch.setattr(timing, "perf_counter_ns", lambda: len(log.read_text().splitlines()))
    (odd / "qrels").mkdir(parents=True)
    (odd / "corpus.jsonl").write_text('{"_id": "d", "text": "oak"}')
    (odd / "queries.jsonl").write_text('{"_id": "q", "text": "oak"}')
    (odd / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1")
    plan = planning.make(suite(TYPED), plugins.load(), tmp_path / "digests.json", tmp_path)
    (cell,) = [one for one in plan.cells if one.row.name == "typed"]
    bench = Workbench(Store(tmp_path / "cache"), Silent())
    queries = ["oak", "", " oak  lamp ", "oak lamp door"]
    found = {
        name: timing.times(span, queries) for name, span in spans.spans_of(cell, bench).items()
    }
    assert found == {
        "encode": [1] * 4,
        "after last word": [1] * 4,
        "total compute": [2, 2, 3, 4],
        "search": [0] * 4,
        "end to end": [1] * 4,
    }
    said = log.read_text().splitlines()
    assert "finish 'oak lamp door' after 'oak lamp '" in said
    assert "advance 'oak lamp ' after 'oak '" in said
    assert "finish ' oak  lamp ' after ' oak  '" in said
    assert "finish '' after ''" in said
