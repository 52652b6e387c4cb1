"""``effbench cache``: what the store holds, what a suite needs, and freeing it beside runs."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from effbench.cache import freeing
from made_cache import command, folders

DAY = 86400


def age(cache: Path, suite: str, days: float) -> None:
    """Date back the artifacts that a suite has made and used."""
    then = time.time() - days * DAY
    for path in cache.glob("uses/*.json"):
        facts = json.loads(path.read_text())
        if facts["suite"] == suite:
            for one in (path, *(cache / name / "manifest.json" for name in facts["artifacts"])):
                os.utime(one, (then, then))


def test_freeing_is_shown_first_and_a_run_makes_anew_what_it_needs(
    effbench, rerun, held, tmp_path: Path
) -> None:
    scores, steps = rerun(), held()
    shown = effbench("cache", "free", "--to", "0B")
    nbytes = sum(one["bytes"] for one in steps) / 1000
    assert f"would free 11 steps, {nbytes:.0f} kB; now nothing is freed" in shown.stdout
    assert held() == steps
    found = effbench("cache", "free", "--to", "0B", "--yes")
    assert found.stdout.splitlines()[-1] == f"freed 11 steps, {nbytes:.0f} kB; 0 bytes stay"
    left = [path.relative_to(tmp_path / "cache") for path in (tmp_path / "cache").rglob("*")]
    assert not [path for path in left for one in steps if one["key"] in path.name]
    assert not list((tmp_path / "cache" / "uses").glob("*.json"))
    assert rerun() == scores
    assert [one["key"] for one in held()] == [one["key"] for one in steps]


def test_freed_by_age(effbench, rerun, held, tmp_path: Path) -> None:
    rerun("old", 40)
    rerun("new", 60)
    age(tmp_path / "cache", "old", 31)
    assert effbench("cache", "free", "--older-than", "32d", "--yes").exit_code == 0
    assert len(held()) == 22
    assert effbench("cache", "free", "--older-than", "30d", "--yes").exit_code == 0
    assert {name for one in held() for name in one["suites"]} == {"new"}
    assert len(held()) == 11


def test_freed_by_suite_less_what_others_use(effbench, rerun, held) -> None:
    rerun("one", 60)
    rerun("two", 60)
    rerun("three", 40)
    found = effbench("cache", "free", "--suite", "one", "--yes")
    assert "kept, since two may use it, too: 11 steps" in found.stdout
    assert len(held()) == 22
    assert {name for one in held() for name in one["suites"]} == {"two", "three"}, "one is over"
    effbench(
        "cache", "free", "--suite", "two", "--suite", "three", "--older-than", "1h", "--yes"
    )
    effbench("cache", "free", "--suite", "two", "--yes")
    assert {name for one in held() for name in one["suites"]} == {"three"}
    wrong = effbench("cache", "free", "--suite", "tree", "--yes")
    assert wrong.exit_code == 2
    assert "no step of a suite 'tree' in this cache (did you mean 'three'?)" in wrong.stderr


def test_freed_to_a_size_what_was_used_longest_ago_first(
    effbench, rerun, held, tmp_path: Path
) -> None:
    rerun("old", 200)
    rerun("middle", 40)
    rerun("new", 60)
    age(tmp_path / "cache", "old", 3)
    age(tmp_path / "cache", "middle", 2)
    steps = held()
    old = [one["bytes"] for one in steps if one["suites"] == ["old"]]
    most = sum(one["bytes"] for one in steps) - sum(old) + 1
    effbench("cache", "free", "--to", f"{most}B", "--yes")
    assert {name for one in held() for name in one["suites"]} == {"middle", "new"}
    assert len(held()) == 22
    assert "would free 0 steps" in effbench("cache", "free", "--to", f"{most}B").stdout
    kept = effbench("cache", "free", "--to", "1GB", "--suite", "new").stdout
    assert kept.startswith("would free 0 steps")


def test_a_damaged_artifact_is_freed(effbench, rerun, held, tmp_path: Path) -> None:
    scores = rerun()
    for path in (tmp_path / "cache").glob("encode/*/manifest.json"):
        path.write_bytes(b"\xff{")
    for path in (tmp_path / "cache").glob("run/*/manifest.json"):
        path.unlink()
    unfinished = [one for one in held() if not one["finished"]]
    assert {one["kind"] for one in unfinished} == {"run"}
    assert "3 unfinished" not in effbench("cache").stdout  # they are of three rows
    assert effbench("cache").stdout.count("1 unfinished") == 3
    assert effbench("cache", "free", "--suite", "toys", "--yes").exit_code == 0
    assert not folders(tmp_path / "cache")
    assert rerun() == scores


def test_a_killed_freeing_leaves_nothing_half_and_is_finished_by_the_next(
    effbench, rerun, held, tmp_path: Path, monkeypatch
) -> None:
    scores = rerun()
    with monkeypatch.context() as killed:
        killed.setattr(freeing.shutil, "rmtree", _killed)
        assert effbench("cache", "free", "--suite", "toys", "--yes").exit_code != 0
    assert held() == []
    assert len(list((tmp_path / "cache").glob("*/.freed-*"))) == 11
    assert "downloads" not in effbench("cache").stdout
    assert "leftovers of killed processes: " in effbench("cache").stdout
    assert rerun() == scores
    assert "freed 0 steps, 0 bytes, " in effbench("cache", "free", "--yes").stdout
    assert not list((tmp_path / "cache").glob("*/.freed-*"))
    assert len(held()) == 11


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_leftovers_alone_are_freed_without_options(
    effbench, rerun, held, tmp_path: Path
) -> None:
    rerun()
    (folder,) = folders(tmp_path / "cache", "data")
    (folder / ".0123456789abcdef.part.tsv").write_bytes(bytes(5000))
    assert "leftovers of killed processes: 5.0 kB" in effbench("cache").stdout
    assert "would free 0 steps, 0 bytes, 5.0 kB of" in effbench("cache", "free").stdout
    assert effbench("cache", "free", "--yes").exit_code == 0
    assert len(held()) == 11
    assert not list(folder.glob(".*"))


def test_two_freeings_at_once(rerun, tmp_path: Path) -> None:
    rerun()
    both = [command("cache", "free", "--to", "0B", "--yes") for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert not folders(tmp_path / "cache")
