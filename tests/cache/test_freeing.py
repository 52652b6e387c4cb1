"""``effbench cache``: what the store holds, what a suite needs, and freeing it beside runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest

from effbench.cache import freeing, uses
from effbench.cli.options import planned

SUITE = """\
suite: {name}
datasets: [{{use: toy, docs: {docs}}}]
measures: [nDCG@10]
encoders: {{words: {{use: words}}, wide: {{use: words, width: 96}}}}
retrievers: {{scan: {{use: scan}}}}
indexes: {{plain: {{use: plain}}}}
latency: false
"""
WAITING = '''
import time
from pathlib import Path
import effbench
from effbench_toy import WordsEncoder

@effbench.hookimpl
def effbench_encoders():
    return {"waiting": Waiting}

class Waiting(WordsEncoder):
    """Hashed words; waits until a file is there."""
    def __init__(self, *, folder: str) -> None:
        super().__init__()
        self.folder = Path(folder)
    def encode_corpus(self, docs):
        (self.folder / "waits").touch()
        while not (self.folder / "go").exists():
            time.sleep(0.01)
        return super().encode_corpus(docs)
'''
DAY = 86400


@pytest.fixture
def run(effbench, suite, tmp_path: Path) -> Callable[..., dict[str, dict]]:
    """Run a suite with fresh records; return its cells' values, query by query."""

    def finish(name: str = "toys", docs: int = 60) -> dict[str, dict]:
        path = suite(SUITE.format(name=name, docs=docs), f"{name}.yaml")
        shutil.rmtree(tmp_path / "results", ignore_errors=True)
        found = effbench("run", path, "--results", tmp_path / "results")
        assert found.exit_code == 0, found.output
        return values(tmp_path / "results")

    return finish


@pytest.fixture
def held(effbench) -> Callable[[], list[dict]]:
    """Return the steps that the cache holds."""
    return lambda: json.loads(effbench("cache", "--json").stdout)["steps"]


def values(results: Path) -> dict[str, dict]:
    """Return the values of each cell's queries."""
    paths = results.glob("*/*/*--*.json")
    return {path.stem: json.loads(path.read_text())["per_query"] for path in paths}


def age(cache: Path, suite: str, days: float) -> None:
    """Date back the artifacts that a suite has made and used."""
    then = time.time() - days * DAY
    for path in cache.glob("uses/*.json"):
        facts = json.loads(path.read_text())
        if facts["suite"] == suite:
            for one in (path, *(cache / name / "manifest.json" for name in facts["artifacts"])):
                os.utime(one, (then, then))


def folders(cache: Path) -> list[Path]:
    """Return the folders of all artifacts."""
    return [path for path in cache.glob("*/*") if path.is_dir()]


def test_the_cache_is_told_by_suite_and_row(effbench, run, held, tmp_path: Path) -> None:
    run()
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
    effbench, run, held, tmp_path: Path
) -> None:
    run()
    shutil.rmtree(tmp_path / "cache" / "uses")
    steps = held()
    assert {(*one["suites"], *one["rows"]) for one in steps} == {("unknown", "unknown")}
    assert "data toy" in [one["label"] for one in steps]
    run()
    assert {name for one in held() for name in one["suites"]} == {"toys"}
    shutil.rmtree(tmp_path / "cache" / "uses")
    found = effbench("cache", "free", "--suite", "unknown", "--yes")
    assert found.exit_code == 0, found.output
    assert not folders(tmp_path / "cache")


def test_a_suite_needs_what_is_missing(effbench, run, suite, tmp_path: Path) -> None:
    path = suite(SUITE.format(name="toys", docs=60))
    found = effbench("cache", "needs", path)
    assert "toys needs 11 steps: 0 held, 0 bytes; 11 missing" in found.stdout
    run()
    (encoded,) = (tmp_path / "cache" / "retriever").glob("*/")
    shutil.rmtree(encoded)
    assert "10 held" in effbench("cache", "needs", path).stdout
    steps = json.loads(effbench("cache", "needs", path, "--json").stdout)
    (missing,) = [one for one in steps if not one["finished"]]
    assert (missing["kind"], missing["bytes"], missing["rows"]) == ("retriever", 0, ["scan"])
    assert all(one["bytes"] for one in steps if one["finished"])


def test_freeing_is_shown_first_and_a_run_makes_anew_what_it_needs(
    effbench, run, held, tmp_path: Path
) -> None:
    scores, steps = run(), held()
    shown = effbench("cache", "free", "--to", "0B")
    nbytes = sum(one["bytes"] for one in steps) / 1000
    assert f"would free 11 steps, {nbytes:.0f} kB; now nothing is freed" in shown.stdout
    assert held() == steps
    found = effbench("cache", "free", "--to", "0B", "--yes")
    assert found.stdout.splitlines()[-1] == f"freed 11 steps, {nbytes:.0f} kB; 0 bytes stay"
    left = [path.relative_to(tmp_path / "cache") for path in (tmp_path / "cache").rglob("*")]
    assert not [path for path in left for one in steps if one["key"] in path.name]
    assert not list((tmp_path / "cache" / "uses").glob("*.json"))
    assert run() == scores
    assert [one["key"] for one in held()] == [one["key"] for one in steps]


def test_freed_by_age(effbench, run, held, tmp_path: Path) -> None:
    run("old", 40)
    run("new", 60)
    age(tmp_path / "cache", "old", 31)
    assert effbench("cache", "free", "--older-than", "32d", "--yes").exit_code == 0
    assert len(held()) == 22
    assert effbench("cache", "free", "--older-than", "30d", "--yes").exit_code == 0
    assert {name for one in held() for name in one["suites"]} == {"new"}
    assert len(held()) == 11


def test_freed_by_suite_less_what_others_use(effbench, run, held) -> None:
    run("one", 60)
    run("two", 60)
    run("three", 40)
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
    effbench, run, held, tmp_path: Path
) -> None:
    run("old", 200)
    run("middle", 40)
    run("new", 60)
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


def test_a_damaged_artifact_is_freed(effbench, run, held, tmp_path: Path) -> None:
    scores = run()
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
    assert run() == scores


def test_a_step_that_fails_leaves_no_folder(effbench, suite, held, tmp_path: Path) -> None:
    text = SUITE.format(name="sad", docs=60).replace("{use: scan}", "{use: scan, twice: true}")
    found = effbench("run", suite(text), "--results", tmp_path / "results")
    assert found.exit_code == 1, found.output
    assert all(one["finished"] for one in held())
    assert "unfinished" not in effbench("cache").stdout


def test_kinds_of_steps_are_counted_in_words(effbench, run) -> None:
    run()
    kinds = effbench("cache").stdout
    assert "1 retriever, 1 run\n" in kinds
    assert "1 doc encoding, 1 index, 1 query encoding, 1 run\n" in kinds
    assert "1 dataset" in kinds


def test_a_killed_freeing_leaves_nothing_half_and_is_finished_by_the_next(
    effbench, run, held, tmp_path: Path, monkeypatch
) -> None:
    scores = run()
    with monkeypatch.context() as killed:
        killed.setattr(freeing.shutil, "rmtree", _killed)
        assert effbench("cache", "free", "--suite", "toys", "--yes").exit_code != 0
    assert held() == []
    assert len(list((tmp_path / "cache").glob("*/.freed-*"))) == 11
    assert "downloads" not in effbench("cache").stdout
    assert "leftovers of killed processes: " in effbench("cache").stdout
    assert run() == scores
    assert "freed 0 steps, 0 bytes, " in effbench("cache", "free", "--yes").stdout
    assert not list((tmp_path / "cache").glob("*/.freed-*"))
    assert len(held()) == 11


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_leftovers_alone_are_freed_without_options(effbench, run, held, tmp_path: Path) -> None:
    run()
    (folder,) = (tmp_path / "cache" / "data").glob("*/")
    (folder / ".0123456789abcdef.part.tsv").write_bytes(bytes(5000))
    assert "leftovers of killed processes: 5.0 kB" in effbench("cache").stdout
    assert "would free 0 steps, 0 bytes, 5.0 kB of" in effbench("cache", "free").stdout
    assert effbench("cache", "free", "--yes").exit_code == 0
    assert len(held()) == 11
    assert not list(folder.glob(".*"))


def test_downloads_are_shown_and_stay(effbench, run, tmp_path: Path) -> None:
    run()
    archive = tmp_path / "cache" / "beir" / "scifact.zip"
    archive.parent.mkdir()
    archive.write_bytes(bytes(3_000_000))
    assert f"downloads in {archive.parent}: 3.0 MB" in effbench("cache").stdout
    effbench("cache", "free", "--to", "0B", "--yes")
    assert archive.exists()
    assert not folders(tmp_path / "cache")


def test_an_artifact_that_is_a_link_is_named_and_stays(
    effbench, run, held, tmp_path: Path
) -> None:
    run()
    (folder,) = (tmp_path / "cache" / "retriever").glob("*/")
    moved = folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(moved)
    found = effbench("cache", "free", "--to", "0B", "--yes")
    assert found.exit_code == 1
    assert f"{folder}: is a link (remove it and what it leads to yourself)" in found.stderr
    assert "freed 10 steps" in found.stdout
    assert [one["kind"] for one in held()] == ["retriever"]
    assert (moved / "manifest.json").exists()


def test_dates_of_wrong_clocks(effbench, run, held, tmp_path: Path, monkeypatch) -> None:
    run()
    stat = Path.stat

    def wrong(path: Path, **options: bool) -> object:
        found = stat(path, **options)
        seconds = {"encode": 10**12, "run": -(10**12)}.get(path.parent.parent.name)
        return found if seconds is None else SimpleNamespace(st_mtime=seconds)

    monkeypatch.setattr(Path, "stat", wrong)
    days = {one["kind"]: one["last_used"][:4] for one in held()}
    assert days["encode"] == str(datetime.now(timezone.utc).year)
    assert effbench("cache").exit_code == 0
    assert effbench("cache", "free", "--older-than", "1d").exit_code == 0


def test_two_freeings_at_once(run, tmp_path: Path) -> None:
    run()
    both = [command("cache", "free", "--to", "0B", "--yes") for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert not folders(tmp_path / "cache")


def test_what_a_run_uses_is_not_freed_until_it_has_ended(
    effbench, run, suite, installed, held, tmp_path: Path
) -> None:
    run("idle", 40)
    text = SUITE.format(name="busy", docs=60).replace("words: {use: words}, ", "")
    late = f"encoders: {{early: {{use: words}}, late: {{use: waiting, folder: {tmp_path}}}, "
    installed("effbench_waiting", WAITING)
    path = suite(text.replace("encoders: {", late), "busy.yaml")
    with started(path, tmp_path):
        lines = [line.split() for line in effbench("cache").stdout.splitlines()]
        assert {line[0] for line in lines if any("*" in part for part in line)} == {"busy"}
        made = [one for one in held() if one["suites"] == ["busy"] and one["finished"]]
        assert {"data", "encode", "run"} <= {one["kind"] for one in made}
        found = effbench("cache", "free", "--to", "0B", "--yes")
        assert found.exit_code == 0, found.output
        assert "kept, since a running process uses it" in found.stdout
        assert " are in use, so 0 bytes cannot be reached" in found.stdout
        assert {name for one in held() for name in one["suites"]} == {"busy"}
        assert [one["key"] for one in held() if one["finished"]] == [o["key"] for o in made]
        (tmp_path / "go").touch()
    busy = values(tmp_path / "busy")
    assert busy["toy--late--plain"] == busy["toy--early--plain"] == run()["toy--words--plain"]
    assert not [p for p in (tmp_path / "cache" / "uses").iterdir() if len(p.name) > 40]
    assert effbench("cache", "free", "--to", "0B", "--yes").exit_code == 0
    assert held() == []


def test_a_killed_run_holds_nothing_and_a_damaged_note_of_a_living_one_all(
    effbench, suite, installed, held, tmp_path: Path
) -> None:
    text = SUITE.format(name="busy", docs=60).replace("words: {", "late: {")
    installed("effbench_waiting", WAITING)
    text = text.replace("{use: words}", f"{{use: waiting, folder: {tmp_path}}}")
    with started(suite(text, "busy.yaml"), tmp_path, code=-9) as process:
        (note,) = (tmp_path / "cache" / "uses").glob("*.json")
        whole = note.read_bytes()
        note.write_bytes(whole[:-30])
        wrong = effbench("cache", "free", "--to", "0B", "--yes")
        assert held()
        assert all(one["in_use"] for one in held())
        note.write_bytes(whole)
        kept = effbench("cache", "free", "--to", "0B", "--yes")
        process.kill()
    assert wrong.exit_code == 2
    assert f"{note}: a running process uses what it lists, and it is lost or damaged" in (
        wrong.stderr
    )
    assert "freed 0 steps" in kept.stdout
    assert [one for one in held() if not one["finished"]]
    assert not any(one["in_use"] for one in held())
    assert effbench("cache", "free", "--to", "0B", "--yes").exit_code == 0
    assert held() == []
    assert [path.name for path in (tmp_path / "cache" / "uses").iterdir()] == ["changing.lock"]


def test_a_note_of_another_user_holds_too(run, suite, tmp_path: Path, monkeypatch) -> None:
    run()
    store, plan = planned(str(suite(SUITE.format(name="toys", docs=60))), None, None)

    def refused(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(uses.os, "utime", refused)
    assert not uses.read(store.root).held
    with uses.using(store, plan):
        assert len(uses.read(store.root).held) == len(folders(tmp_path / "cache"))
    assert not uses.read(store.root).held


def test_a_store_that_takes_no_notes_is_still_used(run, tmp_path: Path) -> None:
    scores = run()
    shutil.rmtree(tmp_path / "cache" / "uses")
    (tmp_path / "cache" / "uses").write_text("in the way")
    assert run() == scores


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "20"], "'20' is no size (write a number and a unit, such as 20GB)"),
        (["--to", "twenty GB"], "is no size"),
        (["--older-than", "30"], "'30' is no age (write a number and m, h, d or w"),
        (["--older-than", "30M"], "is no age"),
    ],
)
def test_amounts_that_are_none(effbench, arguments: list[str], said: str) -> None:
    found = effbench("cache", "free", *arguments)
    assert found.exit_code == 2
    assert said in found.stderr


def test_options_of_the_cache_are_not_lost_before_its_commands(effbench, tmp_path) -> None:
    found = effbench("cache", "--cache", tmp_path, "free", "--to", "0B", "--yes")
    assert found.exit_code == 2
    assert "give options after the word free" in found.stderr
    assert effbench("cache", "--cache", tmp_path / "absent").exit_code == 0
    assert effbench("cache", "free", "--cache", tmp_path / "absent", "--yes").exit_code == 0
    assert not (tmp_path / "absent").exists()


def command(*arguments: object) -> subprocess.Popen[str]:
    """Start the command line in a process of its own."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from effbench.cli.commands import main; main()",
            *map(str, arguments),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def started(path: Path, folder: Path, code: int = 0) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that runs a suite, once its encoder waits; it must end with ``code``."""
    with command("run", path, "--results", folder / "busy") as process:
        try:
            while not (folder / "waits").exists():
                assert process.poll() is None, process.stdout.read()  # type: ignore[union-attr]
                time.sleep(0.01)
            yield process
        finally:
            (folder / "go").touch()
        said = process.communicate()[0]
    assert process.returncode == code, said
