"""What is timed of a query."""

from __future__ import annotations

import json

from made_plugins import TELLER, teller
from made_timed import TERMS, lines, with_row

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


IN_A_SESSION = {
    "dict(stages=stages)": " returned {'stages': ",
    "hello(stages, lambda queries: [1])": ": count_tokens returned 1 numbers for 30 queries",
    "hello(count_tokens=lambda queries: [-1 for _ in queries])": ": count_tokens is -1 (give",
    "hello(count_tokens=lambda queries: None)": ": count_tokens: TypeError: 'NoneType'",
    "hello(stages, count, lambda n: nan)": ": bytes_read is nan (give 0 or more bytes, ",
    "hello(stages, count, lambda n: {}[n])": ": bytes_read: KeyError: 3",
    "hello({'first': lambda texts: 1 / 0})": ": stages: first: ZeroDivisionError: division",
    "hello({'last': lambda texts: 7})": ": stages: last returned int64 [] (float vectors",
}


def test_a_wrong_description_leaves_its_row_out_of_a_session_and_no_other(
    mine, measured
) -> None:
    mine(TELLER)
    rows = [teller(told, ", passages: words") for told in IN_A_SESSION]
    named = [f"row{number}: {text}" for number, text in enumerate(rows)]
    fine = teller("hello(count_tokens=count)", ", passages: words")
    text = with_row(f"{fine}\n  " + "\n  ".join(named))
    found, session = measured(text, "--processes", "1")
    assert found.exit_code == 1
    for number, said in enumerate(IN_A_SESSION.values()):
        start = f"FAILED toy--row{number}--plain: encoder 'row{number}' (plugin mine): "
        (line,) = [one for one in found.stderr.splitlines() if one.startswith(start)]
        assert f"describe{said}" in line
    assert lines(found)["words"]["encode p50 ms"] > 0 < lines(found)["other"]["encode p50 ms"]
    facts = session.header.rows["toy--other--plain"]
    assert set(facts.tokens) == {3}
    assert facts.bytes_read is None


COMBINED = f"""\
suite: toys
datasets: [{{use: toy}}]
encoders: {{words: {{use: words}}}}
indexes: {{plain: {{use: plain}}}}
retrievers:
  scan: {{use: scan}}
  fused: {{use: fuse, searchers: [scan, {{row: words, index: plain, search: {{depth: 9}}}}]}}
  top: {{use: rerank, first: fused, depth: 7, encoder: words}}
latency: {TERMS}
"""


def test_the_parts_of_a_row_that_uses_other_rows_are_timed(
    measured, effbench, tmp_path
) -> None:
    found, session = measured(COMBINED, "--processes", "1")
    assert not session.header.errors
    parts = {
        "toy--scan": set(),
        "toy--words--plain": set(),
        "toy--fused": {
            "scan",
            "words plain depth=9",
            "words plain depth=9: encode",
            "words plain depth=9: search",
        },
    }
    parts["toy--top"] = {*parts["toy--fused"], "fused", "words: encode", "words: vectors"}
    for cell, names in parts.items():
        timed = {span for span in session.header.spans if session.times(cell, span)}
        assert {span[12:] for span in timed if span.startswith("end to end: ")} == names
    assert len(session.times("toy--top", "end to end: scan")[0]) == 30
    *_, parts_table = json.loads(found.stdout)
    lines = parts_table["lines"]
    assert [line["row"] for line in lines] == ["fused", "top"]
    assert set(lines[1]) == {
        "row",
        "index",
        "whole ms",
        *(f"{n} ms" for n in parts["toy--top"]),
    }
