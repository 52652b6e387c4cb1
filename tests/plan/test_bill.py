"""What a plan says that a run will cost."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from altered import altered
from effbench.plan.bill import _bytes
from effbench.work.memory import FOLDER
from made_costs import COSTLY, OTHER, bill, costs, finished, row_of, written

pytestmark = pytest.mark.usefixtures("here")


def test_a_first_plan_counts_what_is_known_and_names_what_is_not(effbench, suite) -> None:
    found = costs(effbench, suite(COSTLY))
    words = row_of(found, "words")
    assert (words["docs"], words["docs_unread"]) == (600, 0), "the dataset says how many"
    assert (words["queries"], words["queries_unread"]) == (0, 1)
    assert (words["texts"], words["texts_unread"]) == (0, 1)
    assert row_of(found, "table", "train")["models"] == 1
    assert found["seconds"] == 0
    assert found["bytes_at_least"] == 1200, "of ids: an encoder's width is unknown"
    assert found["bytes"] == 0, "what an index of texts writes beside its ids"
    assert not Path("cache").exists(), "a plan writes nothing"
    lines = bill(effbench, suite(COSTLY))
    assert lines[-2].startswith("write an amount that no one knows yet (at least 1.2 kB) into ")
    assert (
        "encode with words: 600 docs; 1 set of queries not read yet; 1 source of texts not "
        "read yet" in lines
    )
    assert "train 1 model with table: table" in lines
    assert lines[-1].startswith("take a time that no one knows yet (nothing like it was done")


def test_after_a_run_a_plan_foretells_what_another_corpus_takes(effbench, suite) -> None:
    path, other = suite(COSTLY), suite(OTHER, "other.yaml")
    finished(effbench("run", path))
    assert costs(effbench, path)["steps"] == 0
    assert not bill(effbench, path), "nothing is left"
    before = costs(effbench, other)
    words = row_of(before, "words")
    assert words["as"] == ["encode words corpus of toy"]
    assert words["seconds"] >= 0.9, "900 docs, of which each sleeps for a millisecond"
    assert row_of(before, "scan", "index with")["docs"] == 900
    foretold = {name: written(name) for name in ("encode", "retriever")}
    finished(effbench("run", other))
    least = before["bytes_at_least"]
    truth = sum(written(name) - foretold[name] for name in foretold)
    assert 0.97 * truth <= least <= truth
    assert before["bytes_at_least"] <= before["bytes"]


def test_a_guess_is_never_below_what_is_sure() -> None:
    facts = {"bytes_at_least": 4000, "bytes": 2200, "free_bytes": None, "cache": "CACHE"}
    counts = {"steps_of_unknown_bytes": 0, "steps_of_unknown_time": 0, "working_steps": 1}
    assert _bytes({**facts, **counts}) == "write at least 4.0 kB into CACHE"


def test_what_is_unknown_is_not_made_small(effbench, suite) -> None:
    """Another encoder, which may be the slowest of all, has never run here."""
    finished(effbench("run", suite(COSTLY)))
    slow = "retrievers:", "  slow: {use: words, pause_ms: 9, width: 96}\nretrievers:"
    lines = bill(effbench, suite(altered(OTHER, *slow), "other.yaml"))
    size, time = lines[-2:]
    known = "for 3 of 14 steps, and more for the other 11, some encoding and all training"
    assert re.search(r"are free\) for \d+ of \d+ steps, and more for the other \d+, ", size)
    assert size.endswith(" among them: no size is known of those")
    assert known in time
    assert " among them: no time is known of those (nothing like it" in time


def test_a_plan_and_a_run_agree_after_the_cache_was_freed(effbench, suite) -> None:
    path = suite(COSTLY)
    finished(effbench("run", path))
    for kind in Path("cache").iterdir():
        if kind.is_dir() and kind.name != FOLDER:
            shutil.rmtree(kind)
    lines = finished(effbench("plan", path, "--steps")).stdout.splitlines()
    assert not bill(effbench, path)
    assert re.fullmatch(r"3 cells \(3 finished\), \d+ steps, 0 of them to do", lines[-1])
    assert sum(line.endswith("(finished)") for line in lines) == 3
    assert "3 finished already" in finished(effbench("run", path)).output
    elsewhere = costs(effbench, path, "--results", "elsewhere")
    assert elsewhere["steps"] > 0
    train = row_of(elsewhere, "table", "train")
    assert train["seconds"] > 0, "how much it reads is known, though that is gone"


def test_a_cell_without_its_latency_is_not_finished(effbench, suite) -> None:
    text = altered(COSTLY, "latency: false", "latency: {queries: 11, warmup: 6, processes: 1}")
    finished(effbench("run", suite(text)))
    assert costs(effbench, suite(text))["latency_sessions"] == 0
    shutil.rmtree("cache/retriever")
    assert costs(effbench, suite(text))["steps"] == 0
    (session,) = Path("results").glob("*/toys/latency/*.npz")
    session.unlink()
    now = costs(effbench, suite(text))
    assert now["latency_sessions"] == 1
    assert [row["row"] for row in now["rows"]] == ["scan"]


def test_rows_that_encode_queries_alone_share_a_line(effbench, suite) -> None:
    light = "".join(
        f"  light{i}: {{use: words-queries, width: {i + 1}, passages: words}}\n"
        for i in range(6)
    )
    lines = bill(effbench, suite(altered(COSTLY, "retrievers:", f"{light}retrievers:")))
    assert (
        "encode with table, light0, light1 and 4 more: 7 sets of queries not read yet" in lines
    )


def test_gigabytes_of_vectors_are_told_before_their_width_is_known(effbench, suite) -> None:
    text = altered(COSTLY, "docs: 600", "docs: 34000000", times=2)
    found = costs(effbench, suite(text))
    assert found["vectors_of_unknown_width"] == 34_000_000
    assert found["corpora_of_unknown_size"] == 0
    assert (
        "keep 34,000,000 vectors of a width not known yet: 52.2 GB at 384, 104 GB at 768, "
        "139 GB at 1024" in bill(effbench, suite(text))
    )
    finished(effbench("run", suite(COSTLY)))
    assert costs(effbench, suite(text))["vectors_of_unknown_width"] == 0
    lines = bill(effbench, suite(text))
    assert not any("width" in line for line in lines)
    (written,) = (line for line in lines if line.startswith("write "))
    assert "8.8 GB" in written  # of width 64, with ids
