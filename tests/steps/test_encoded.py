"""Vectors of docs that are kept as float16: in the suite, on the disk, in keys and records."""

from __future__ import annotations

import numpy as np
import pytest

from altered import altered
from made_suites import GOOD, TOYS

HALF = altered(
    TOYS,
    "  light: {use: words-queries, passages: words}",
    "  half: {use: words, store: float16}\n  light: {use: words-queries, passages: half}",
)


def test_float16_halves_the_files_and_the_scores_stay(run, records, tmp_path) -> None:
    found = run(HALF)
    assert found.exit_code == 0, found.output
    arrays = [np.load(path) for path in tmp_path.glob("cache/encode/*/00000.npy")]
    assert sorted(array.dtype.name for array in arrays) == ["float16", "float32"]
    half, full = sorted(arrays, key=lambda array: array.itemsize)
    np.testing.assert_array_equal(half, full.astype(np.float16))
    made = records()
    words, half, light = (
        made[f"toy--{row}--plain--depth=20"] for row in ("words", "half", "light")
    )
    for row in (half, light):
        assert row["scores"] == pytest.approx(words["scores"], abs=0.01)
    assert half["row"]["options"] == {"store": "float16"}
    assert words["row"]["options"] == {}


def test_only_float16_changes_the_key(effbench, suite, run, tmp_path) -> None:
    run(GOOD)
    run(altered(GOOD, "{use: words}", "{use: words, store: float32}"))
    assert len(list(tmp_path.glob("cache/encode/*/manifest.json"))) == 1
    run(altered(GOOD, "{use: words}", "{use: words, store: float16}"))
    assert len(list(tmp_path.glob("cache/encode/*/manifest.json"))) == 2
    assert len(list(tmp_path.glob("cache/queries/*/manifest.json"))) == 1


def test_a_plan_says_what_float16_costs(effbench, suite) -> None:
    found = effbench("plan", suite(HALF))
    assert found.exit_code == 0
    assert found.output.count("keeps vectors as float16: half the disk; nDCG@10 lost ") == 1
    assert "encoder 'half' keeps" in found.output


def test_a_sweep_goes_over_the_type(run, records) -> None:
    swept = "{use: words, sweep: {store: [float32, float16]}}"
    assert run(altered(GOOD, "{use: words}", swept)).exit_code == 0
    assert len(records()) == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{use: words, store: int8}", "'int8' is no type for vectors (say float32 or float16)"),
        (
            "{use: words-queries, passages: more, store: float16}",
            "the row keeps no vectors of docs (say it in the row 'more')",
        ),
    ],
)
def test_a_type_that_no_vectors_are_kept_in_is_a_mistake(
    effbench, suite, row: str, message: str
) -> None:
    text = altered(GOOD, "words: {use: words}", f"more: {{use: words}}\n  words: {row}")
    found = effbench("plan", suite(text))
    assert found.exit_code == 2
    assert f"encoders.words.store: {message}" in found.output


def test_a_number_that_float16_cannot_hold_is_one_line(run, records, monkeypatch) -> None:
    import effbench_toy

    encode = effbench_toy.WordsEncoder.encode_corpus
    monkeypatch.setattr(
        effbench_toy.WordsEncoder,
        "encode_corpus",
        lambda self, docs: encode(self, docs) * np.float32(1e6),
    )
    assert run(altered(GOOD, "{use: words}", "{use: words, store: float16}")).exit_code == 1
    assert records()["toy--words--plain"]["error"] == (
        "encoder 'words' (plugin toy): its largest number, 9.04e+05, does not fit float16, "
        "which ends at 65,504 (leave out store: float16)"
    )
