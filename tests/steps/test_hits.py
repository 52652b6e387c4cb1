"""Plugins whose answers would be misread: the right number, or a failed cell that says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SUITE = """\
suite: toys
datasets: [{use: toy, docs: 1500}]
measures: [nDCG@10, RR@10]
encoders: {words: {use: words}}
indexes: {plain: {use: plain}}
latency: false
"""


@pytest.fixture
def run(effbench, suite, tmp_path: Path):
    """Run a suite's text; return the exit code and the records by cell name."""

    def start(text: str):
        code = effbench("run", suite(text), "--results", tmp_path / "results").exit_code
        paths = (tmp_path / "results").glob("*/toys/*--*.json")
        return code, {path.stem: json.loads(path.read_text()) for path in paths}

    return start


@pytest.mark.parametrize("habit", ["reuses", "extends"])
def test_an_encoder_that_keeps_its_arrays_or_changes_its_input_scores_right(run, habit) -> None:
    row = f"careless: {{use: careless, habit: {habit}}}"
    code, records = run(SUITE.replace("encoders: {", f"encoders: {{{row}, "))
    assert code == 0
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
    run, habit, message
) -> None:
    code, records = run(SUITE.replace("{use: words}", f"{{use: careless, habit: {habit}}}"))
    assert code == 1
    assert message in records["toy--words--plain"]["error"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("distances", "scores that rise from one hit to the next (inner products, the best"),
        ("swapped", "scores of int64 and positions of float32 (floats and integers"),
        ("mask", "scores of float32 and positions of bool (floats and integers"),
        ("float positions", "scores of float32 and positions of float32"),
        ("gap", "scores that rise from one hit to the next (inner products, the best"),
        ("masked", "a MaskedArray (arrays of numbers in host memory are wanted)"),
        ("short", "scores [749, 100] and positions [749, 100] for 750 queries"),
    ],
)
def test_an_index_that_would_be_misread_is_refused_and_named(run, wrong, message) -> None:
    odd = f"odd: {{use: odd-index, wrong: {wrong}}}"
    code, records = run(SUITE.replace("indexes: {", f"indexes: {{{odd}, "))
    assert code == 1
    error = records["toy--words--odd"]["error"]
    assert error.startswith(f"index 'odd' (plugin hostile): search returned {message}")
    assert records["toy--words--plain"]["status"] == "done"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("rising", "scores that rise from one hit to the next for query 'q2'"),
        ("numbers", "(0, 1.0) for query 'q0' (a ScoredDoc is wanted: doc_id, which"),
        ("triples", "('d0', 1.0, 0) for query 'q0' (a ScoredDoc is wanted: doc_id, which"),
        ("filled again", "one list for several queries (return a new list for each"),
        ("huge", "a score that is no finite 32-bit float for query 'q0'"),
    ],
)
def test_a_retriever_that_would_be_misread_is_refused_and_named(run, wrong, message) -> None:
    odd = f"retrievers: {{odd: {{use: odd-retriever, wrong: {wrong}}}}}\n"
    code, records = run(SUITE + odd)
    assert code == 1
    error = records["toy--odd"]["error"]
    assert error.startswith("retriever 'odd' (plugin hostile): search returned ")
    assert message in error


def test_datasets_of_two_plugins_share_no_vectors_though_they_say_one_key(run) -> None:
    code, records = run(SUITE.replace("docs: 1500}", "docs: 60}, {use: twin, docs: 60}"))
    assert code == 0
    assert records["twin--words--plain"]["scores"]["RR@10"] > 0.9
    assert records["toy--words--plain"]["scores"]["RR@10"] > 0.9


def test_cuts_of_two_plugins_share_no_vectors_though_they_say_one_key(run) -> None:
    cuts = ", ".join(
        f"{{use: cut, docs: 40, name: {use}, dataset: {{use: {use}, docs: 60}}}}"
        for use in ("toy", "twin")
    )
    code, records = run(SUITE.replace("{use: toy, docs: 1500}", cuts))
    assert code == 0
    assert records["twin--words--plain"]["scores"]["RR@10"] > 0.9
    assert records["toy--words--plain"]["scores"]["RR@10"] > 0.9


def test_a_generator_that_fills_one_list_again_and_again_scores_right(run) -> None:
    rows = (
        "retrievers: {odd: {use: odd-retriever, wrong: filled again later}, scan: {use: scan}}"
    )
    code, records = run(f"{SUITE}{rows}\n")
    assert code == 0
    assert records["toy--odd"]["per_query"] == records["toy--scan"]["per_query"]


def test_an_index_that_changes_what_it_is_given_scores_right_and_ends_nothing(run) -> None:
    code, records = run(SUITE.replace("indexes: {", "indexes: {writing: {use: writing}, "))
    assert code == 0
    writing, plain = (records[f"toy--words--{name}"] for name in ("writing", "plain"))
    assert writing["scores"] == pytest.approx(plain["scores"], abs=0.02), "sums of other bits"


def test_an_index_of_less_than_no_bytes_is_refused(run) -> None:
    code, records = run(SUITE.replace("{use: plain}", "{use: odd-index, wrong: bytes}"))
    assert code == 1
    assert records["toy--words--plain"]["error"] == (
        "index 'plain' (plugin hostile): nbytes is -1 (give 0 or more bytes, below 2**100)"
    )


def test_an_encoder_that_goes_to_another_folder_takes_no_records_along(
    effbench, suite, tmp_path: Path, monkeypatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    row = f"{{use: careless, habit: goes elsewhere, folder: {elsewhere}}}"
    suite(SUITE.replace("{use: words}", row))
    found = effbench("run", "suite.yaml", "--results", "results", "--cache", "kept")
    assert found.exit_code == 0, found.output
    assert "records in results/" in found.output
    assert len(list((tmp_path / "results").glob("*/toys/toy--words--plain.json"))) == 1
    assert not list(elsewhere.iterdir())
