"""What ``effbench cache`` says that the store holds, and what a suite needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from altered import altered
from made_cache import CACHED, folders


def test_the_cache_is_told_by_suite_and_row(effbench, rerun, held, tmp_path: Path) -> None:
    rerun()
    steps = held()
    assert len(steps) == len(folders(tmp_path / "cache")) > 0
    for one in steps:
        files = (tmp_path / "cache" / one["kind"] / one["key"]).rglob("*")
        assert one["bytes"] == sum(path.stat().st_size for path in files if path.is_file())
        assert one["suites"] == ["toys"]
        assert one["finished"]
        assert not one["in_use"]
    rows = {one["label"]: one["rows"] for one in steps}
    assert rows["data toy"] == ["scan", "wide", "words"]
    assert rows["index scan on toy"] == ["scan"]
    assert [one for one in steps if one["rows"] == ["wide"]]
    head, *lines = effbench("cache").stdout.splitlines()
    assert head.startswith(f"{tmp_path / 'cache'}: {len(steps)} steps, ")
    assert lines[0].split()[:2] == ["suite", "row"]
    assert {line.split()[1] for line in lines[1:]} == {"words", "wide", "scan", "3"}


def test_artifacts_of_before_are_unknown_until_they_are_used(
    effbench, rerun, held, tmp_path: Path
) -> None:
    rerun()
    shutil.rmtree(tmp_path / "cache" / "uses")
    steps = held()
    assert {(*one["suites"], *one["rows"]) for one in steps} == {("unknown", "unknown")}
    assert "data toy" in [one["label"] for one in steps]
    rerun()
    assert {name for one in held() for name in one["suites"]} == {"toys"}
    shutil.rmtree(tmp_path / "cache" / "uses")
    found = effbench("cache", "free", "--suite", "unknown", "--yes")
    assert found.exit_code == 0, found.output
    assert not folders(tmp_path / "cache")


def test_a_suite_needs_what_is_missing(effbench, rerun, suite, tmp_path: Path) -> None:
    path = suite(CACHED.format(name="toys", docs=60))
    found = effbench("cache", "needs", path)
    assert "toys needs 11 steps: 0 held, 0 bytes; 11 missing" in found.stdout
    rerun()
    (encoded,) = folders(tmp_path / "cache", "retriever")
    shutil.rmtree(encoded)
    assert "10 held" in effbench("cache", "needs", path).stdout
    steps = json.loads(effbench("cache", "needs", path, "--json").stdout)
    (missing,) = [one for one in steps if not one["finished"]]
    assert (missing["kind"], missing["bytes"], missing["rows"]) == ("retriever", 0, ["scan"])
    assert sum(one["bytes"] > 0 for one in steps) == 10


def test_a_step_that_fails_leaves_no_folder(effbench, suite, held, tmp_path: Path) -> None:
    text = altered(
        CACHED.format(name="sad", docs=60), "{use: scan}", "{use: scan, twice: true}"
    )
    found = effbench("run", suite(text), "--results", tmp_path / "results")
    assert found.exit_code == 1, found.output
    assert {one["finished"] for one in held()} == {True}
    assert "unfinished" not in effbench("cache").stdout


def test_kinds_of_steps_are_counted_in_words(effbench, rerun) -> None:
    rerun()
    kinds = effbench("cache").stdout
    assert "1 retriever, 1 run\n" in kinds
    assert "1 doc encoding, 1 index, 1 query encoding, 1 run\n" in kinds
    assert "1 dataset" in kinds
