"""Sizes in ``effbench diff``, on results that are made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_changes import edit, record
from made_indexes import put_index


def grown(**costs: int):
    return lambda content: content["costs"].update(costs)


@pytest.mark.parametrize(
    ("before", "after", "said", "code"),
    [
        (1_000_000, 1_019_000, "10 figures compared, 0 moved", 0),
        (1_000_000, 1_030_000, "worse  made data-0 small through exact: index MB 1 -> 1.03", 1),
        (1_000_000, 950_000, "better made data-0 small through exact: index MB 1 -> 0.95", 0),
        (0, 10, "worse  made data-0 small through exact: index MB 0 -> 1e-05", 1),
        (0, 0, "10 figures compared, 0 moved", 0),
    ],
)
def test_a_size_moves_by_more_than_two_per_cent(
    effbench, old: Path, new: Path, before: int, after: int, said: str, code: int
) -> None:
    edit(record(old, 1), grown(index_bytes=before))
    edit(record(new, 1), grown(index_bytes=after))
    found = effbench("diff", old, new)
    assert said in found.stdout
    assert found.exit_code == code


def test_vectors_and_saved_indexes_are_compared_too(effbench, old: Path, new: Path) -> None:
    edit(record(old, 1), grown(vectors_bytes=4_000_000, saved_bytes=10))
    edit(record(new, 1), grown(vectors_bytes=1_000_000, saved_bytes=20))
    found = effbench("diff", old, new)
    assert "better made data-0 small: vectors MB 4 -> 1\n" in found.stdout
    assert "worse  made data-0 small through exact: saved MB 1e-05 -> 2e-05\n" in found.stdout


def test_an_index_is_compared_once_for_all_settings_of_its_search(
    effbench, old: Path, new: Path
) -> None:
    for root, size in ((old, 5), (new, 9)):
        folder = record(root, 0).parent
        put_index(folder, "hnsw", {1: lambda value, _: value}, {"efSearch": 4})
        path = folder / "data-0--1--hnsw.json"
        edit(path, grown(index_bytes=size))
        again = json.loads(path.read_text()) | {"search": {"efSearch": 8}}
        (folder / "data-0--1--hnsw8.json").write_text(json.dumps(again))
    found = effbench("diff", old, new)
    assert found.stdout.count(" through hnsw: index MB 5e-06 -> 9e-06") == 1


def test_a_size_that_one_side_lacks_is_said(effbench, old: Path, new: Path) -> None:
    edit(record(new, 1), grown(saved_bytes=20))
    found = effbench("diff", old, new)
    assert found.exit_code == 0
    assert "10 figures compared, 0 moved beyond noise; 1 could not be compared" in found.stdout
    said = (
        "not compared made: no size in the old results: saved MB of data-0 small through exact"
    )
    assert said in found.stdout
    assert "no size in the new results" in effbench("diff", new, old).stdout


def test_sizes_of_other_data_are_not_compared(effbench, old: Path, new: Path) -> None:
    for root, key, size in ((old, "a", 5), (new, "b", 9)):
        for number in (0, 1):
            path = record(root, number)
            path.write_text(json.dumps(json.loads(path.read_text()) | {"data_key": key}))
            edit(path, grown(index_bytes=size))
    found = effbench("diff", old, new)
    assert "not compared made: the data differ: index MB of data-0 big through exact" in (
        found.stdout
    )
    assert "worse" not in found.stdout
