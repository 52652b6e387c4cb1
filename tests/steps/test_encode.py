"""What encoders answer, and which vectors are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from altered import altered
from made_suites import MANY_DOCS, TOYS


@pytest.mark.parametrize("habit", ["reuses", "extends"])
def test_an_encoder_that_keeps_its_arrays_or_changes_its_input_scores_right(
    ran, habit, monkeypatch
) -> None:
    monkeypatch.setattr("effbench.steps.writing.BATCH", 1_024)
    row = f"careless: {{use: careless, habit: {habit}}}"
    found, records = ran(altered(MANY_DOCS, "encoders: {", f"encoders: {{{row}, "))
    assert found.exit_code == 0
    careless, words = (records[f"toy--{row}--plain"] for row in ("careless", "words"))
    assert careless["per_query"] == words["per_query"]
    assert words["scores"]["nDCG@10"] > 0.05, "1,500 docs are two batches"


@pytest.mark.parametrize(
    ("habit", "message"),
    [
        ("overflows", "encode_queries returned NaN or infinity for 'apple"),
        ("masks", "encode_queries returned a masked array (float vectors [n, d] are wanted)"),
        ("widens", "encode_corpus returned vectors of width 65 and 66 (one width for all)"),
    ],
)
def test_vectors_that_float32_or_one_matrix_cannot_hold_are_refused(
    ran, habit, message, monkeypatch
) -> None:
    monkeypatch.setattr("effbench.steps.writing.BATCH", 1_024)
    careless = f"{{use: careless, habit: {habit}}}"
    found, records = ran(altered(MANY_DOCS, "{use: words}", careless))
    assert found.exit_code == 1
    assert message in records["toy--words--plain"]["error"]


def test_datasets_of_two_plugins_share_no_vectors_though_they_say_one_key(ran) -> None:
    found, records = ran(altered(MANY_DOCS, "docs: 1500}", "docs: 60}, {use: twin, docs: 60}"))
    assert found.exit_code == 0
    assert records["twin--words--plain"]["scores"]["RR@10"] > 0.9
    assert records["toy--words--plain"]["scores"]["RR@10"] > 0.9


def test_cuts_of_two_plugins_share_no_vectors_though_they_say_one_key(ran) -> None:
    cuts = ", ".join(
        f"{{use: cut, docs: 40, name: {use}, dataset: {{use: {use}, docs: 60}}}}"
        for use in ("toy", "twin")
    )
    found, records = ran(altered(MANY_DOCS, "{use: toy, docs: 1500}", cuts))
    assert found.exit_code == 0
    assert records["twin--words--plain"]["scores"]["RR@10"] > 0.9
    assert records["toy--words--plain"]["scores"]["RR@10"] > 0.9


def test_a_generator_that_fills_one_list_again_and_again_scores_right(ran) -> None:
    rows = (
        "retrievers: {odd: {use: odd-retriever, wrong: filled again later}, scan: {use: scan}}"
    )
    found, records = ran(f"{MANY_DOCS}{rows}\n")
    assert found.exit_code == 0
    assert records["toy--odd"]["per_query"] == records["toy--scan"]["per_query"]


def test_an_encoder_that_goes_to_another_folder_takes_no_records_along(
    effbench, suite, tmp_path: Path, monkeypatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    row = f"{{use: careless, habit: goes elsewhere, folder: {elsewhere}}}"
    suite(altered(MANY_DOCS, "{use: words}", row))
    found = effbench("run", "suite.yaml", "--results", "results", "--cache", "kept")
    assert found.exit_code == 0, found.output
    assert "records in results/" in found.output
    assert len(list((tmp_path / "results").glob("*/toys/toy--words--plain.json"))) == 1
    assert not list(elsewhere.iterdir())


def test_a_light_row_scores_like_its_own_vectors_would(run, records) -> None:
    run(TOYS)
    found = records()
    light, words = (found[f"toy--{row}--plain--depth=20"] for row in ("light", "words"))
    assert light["per_query"] == words["per_query"]
    assert light["passages"] == "words"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("raises", "RuntimeError: out of luck"),
        ("nan", "encode_corpus returned NaN or infinity for 'd3'"),
        ("shape", "encode_corpus returned float32 [3840]"),
        ("rows", "encode_corpus returned 59 rows for 60 docs"),
        ("int", "encode_corpus returned int64 [60, 64]"),
        ("query-width", "its query vectors have width 32, the passages of 'bad' 64"),
    ],
)
def test_a_bad_encoder_fails_alone_and_is_named(run, records, wrong: str, message: str) -> None:
    bad = altered(TOYS, "retrievers:", f"  bad: {{use: bad, wrong: {wrong}}}\nretrievers:")
    found = run(bad)
    assert found.exit_code == 1
    record = records()["toy--bad--plain--depth=5"]
    assert record["status"] == "failed"
    assert record["error"].startswith("encoder 'bad' (plugin toy): ")
    assert message in record["error"]
    assert "5 cells done" in found.stderr
    assert "2 failed" in found.stderr
    assert "Traceback" not in found.output
    assert ("Traceback" in (record["traceback"] or "")) == (wrong == "raises")
    again = run(altered(TOYS, "retrievers:", "  bad: {use: words}\nretrievers:"))
    assert again.exit_code == 0, "a mended row runs"
