"""Files at the door: what is wrong with one is named, it is left out, the rest is shown."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from altered import altered, put
from made_records import file_of, write_task

Damage = Callable[[Path], object]


def content(data: bytes) -> Damage:
    return lambda path: path.write_bytes(data)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def endless(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 << 30)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


ANY: dict[str, Damage] = {
    "folder": folder, "dangling link": dangling, "link to itself": endless, "pipe": pipe,
    "3 GB": sparse, "half": half, "empty": content(b""), "no UTF-8": content(b'{"a": "\xff"}'),
    "NUL": content(b"\0" * 99), "a number": content(b"7"), "a list": content(b"[]"),
    "deep": content(b"[" * 100_000), "deep and whole": content(b"[" * 900 + b"]" * 900),
    "UTF-16": content('{"a": 1}'.encode("utf-16")),
}  # fmt: skip
"""Done to any file."""

HUGE, LONG = 10**400, "x" * 1_000_000

VALUES: list[Any] = [
    7, -1, True, "text", [], {}, [[]], HUGE, float("nan"), LONG, "\ud800", "a\x1b[31mb", "a\n",
    "../x", {"a": {"b": [1]}},
]  # fmt: skip
"""Put in a value's place; JSON holds them all."""

RECORD = (
    "schema", "status", "key", "dataset", "row", "row.name", "index", "index.name", "search",
    "search.ef", "created", "scores", "scores.nDCG@10", "per_query", "per_query.nDCG@10",
    "per_query.nDCG@10.q3", "queries", "queries.queries", "costs", "costs.index_bytes",
    "trained_on", "versions", "cell", "files", "k", "such_as", "models", "passages",
)  # fmt: skip
FINE_IN_RECORD: dict[str, list[Any]] = {
    "search": [{}, {"a": {"b": [1]}}],
    "search.ef": [7, -1, True, "text", [], {}, [[]], HUGE, "../x", {"a": {"b": [1]}}],
    "key": ["text", "../x"], "dataset": ["text", "../x"], "row.name": ["text", "../x"],
    "index.name": ["text", "../x"], "passages": ["text", "../x"], "k": [7],
    "queries": [{}], "queries.queries": [7], "costs": [{}, {"a": {"b": [1]}}],
    "costs.index_bytes": [7], "trained_on": [[]], "versions": [{}], "files": [{}],
    "such_as": [{}], "models": [{}, {"a": {"b": [1]}}],
}  # fmt: skip
"""What is as it may be."""

SUITE = (
    "schema", "suite", "measures", "datasets", "datasets.0", "datasets.0.name",
    "datasets.0.group", "cells", "cells.0", "expected", "expected.scores", "expected.tolerance",
    "expected.index", "latency", "latency.baseline", "latency.processes", "latency.conditions",
    "latency.timed",
)  # fmt: skip
FINE_IN_SUITE: dict[str, list[Any]] = {
    "suite": ["text", "../x"], "datasets.0.name": ["text", "../x"],
    "datasets.0.group": ["text", "../x"], "cells": [[]], "cells.0": ["text"],
    "expected.scores": [{}], "expected.tolerance": [7], "expected.index": ["text", "../x"],
    "latency": [{}, {"a": {"b": [1]}}], "latency.baseline": ["text", "../x"],
    "latency.processes": [7], "latency.conditions": [{}, {"a": {"b": [1]}}],
    "latency.timed": [{}],
}  # fmt: skip

SESSION = (
    "format", "dataset", "rows", "rows.data-0--0", "rows.data-0--0.key",
    "rows.data-0--0.search", "baseline", "spans", "spans.0", "queries", "queries.0",
    "words", "words.0", "conditions", "fingerprint", "errors", "processes", "processes.0",
    "processes.0.cell", "processes.0.process", "processes.0.fresh_ns", "blocks", "blocks.0",
    "blocks.0.0", "blocks.0.4", "blocks.0.4.0", "started",
)  # fmt: skip
FINE_IN_SESSION: dict[str, list[Any]] = {
    "dataset": ["text", "../x"], "rows.data-0--0.key": ["text", "../x"],
    "rows.data-0--0.search": [{}, {"a": {"b": [1]}}], "baseline": ["text"],
    "spans.0": ["text", "../x"], "queries.0": ["text", "../x"], "words.0": [7],
    "conditions": [{}, {"a": {"b": [1]}}], "fingerprint": [{}, {"a": {"b": [1]}}],
    "errors": [{}], "processes.0.cell": ["text"], "processes.0.process": [7],
    "blocks.0.4.0": [7],
}  # fmt: skip


@pytest.mark.parametrize("kind", ["record", "suite", "texts", "session"])
def test_what_is_no_such_file_is_named(two_suites: Path, left_out, kind: str) -> None:
    path = file_of(two_suites, kind)
    good = path.read_bytes()
    for what, damage in ANY.items():
        damage(path)
        left_out(path, what)
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        path.write_bytes(good)


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        *(("record", place) for place in RECORD),
        *(("suite", place) for place in SUITE),
        *(("session", place) for place in SESSION),
    ],
)
def test_what_does_not_fit_its_place_is_named(
    two_suites: Path, left_out, kind: str, place: str
):
    path = file_of(two_suites, kind)
    good = path.read_bytes()
    fine = {"record": FINE_IN_RECORD, "suite": FINE_IN_SUITE, "session": FINE_IN_SESSION}[kind]
    wrong = [v for v in VALUES if not any(v is f or (v == f and type(v) is type(f))
                                          for f in fine.get(place, ()))]  # fmt: skip
    assert len(wrong) > 3
    for value in wrong:
        put(path, place, value)
        left_out(path, repr(value)[:50])
        path.write_bytes(good)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"k": 10', '"k": 10, "k": 10'),
        ('"q3": ', '"q3": 0.5, "q3": '),
        ('"k": 10', '"k": 10, "mine": 1e999'),
        ('"k": 10', '"k": 10, "mine": NaN'),
        ('"k": 10', '"k": 10, "mine": ' + "9" * 5000),
        ('"created": "2026-11-25', '"created": "2026-02-31'),
        ("+00:00", ""),
        ('"q3": ', '"": '),
        ('"q3": ', '"q\\u001b": '),
        ('"schema": 1', '"schema": 1.0'),
        ('"per_query": {"nDCG@10"', '"per_query": {"RR@10"'),
    ],
)
def test_what_is_not_our_json_is_named(two_suites: Path, left_out, old: str, new: str) -> None:
    path = file_of(two_suites, "record")
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(altered(text, old, new))
    left_out(path, new)


def test_a_file_without_permission_is_named(two_suites: Path, left_out, monkeypatch) -> None:
    """Also for root, whom the system lets read all."""
    path, real = file_of(two_suites, "record"), os.open

    def refuse(name: Any, *given: Any, **options: Any) -> int:
        if str(name) == str(path):
            raise PermissionError(13, "Permission denied", str(name))
        return real(name, *given, **options)

    monkeypatch.setattr(os, "open", refuse)
    left_out(path, "permission")


@pytest.mark.parametrize("what", ["leaderboard", "page", "budget", "mteb", "diff", "compare"])
def test_every_command_that_reads_results_names_it(
    effbench, two_suites: Path, tmp_path: Path, what: str
) -> None:
    path = file_of(two_suites, "record")
    put(path, "created", "yesterday")
    commands: dict[str, list[Any]] = {
        "leaderboard": ["leaderboard", two_suites],
        "page": ["leaderboard", two_suites, "--output", tmp_path / "board.html"],
        "budget": ["leaderboard", two_suites, "--budget", "1s"],
        "mteb": ["leaderboard", two_suites, "--suite", "made", "--format", "mteb", "--output",
                 tmp_path / "mteb"],
        "diff": ["diff", two_suites, two_suites],
        "compare": ["compare", "big", "small", "--results", two_suites],
    }  # fmt: skip
    found = effbench(*commands[what])
    assert found.exit_code == 1, found.output
    named = [line for line in found.stderr.splitlines() if str(path) in line]
    assert len(named) == 1, found.stderr
    assert "created: " in named[0]


def test_show_names_what_it_cannot_read(effbench, two_suites: Path) -> None:
    path = file_of(two_suites, "record")
    path.write_text("{")
    found = effbench("show", path)
    assert found.exit_code == 1
    assert found.stderr.startswith(f"left out: {path}: cannot be read: ")
    assert len(found.stderr.splitlines()) == 1


def test_a_run_says_which_of_its_own_files_it_makes_again(effbench, suite, tmp_path) -> None:
    text = (
        "suite: toys\ndatasets: [{use: toy}]\nmeasures: [nDCG@10]\n"
        "retrievers: {scan: {use: scan}}\nlatency: false\n"
    )
    root = tmp_path / "results"
    assert effbench("run", suite(text), "--results", root).exit_code == 0
    (record,) = root.glob("*/toys/toy--scan.json")
    for path in (
        record,
        record.with_name("suite.json"),
        root / record.parts[-3] / "machine.json",
    ):
        path.write_text("{")
        found = effbench("run", suite(text), "--results", root)
        assert found.exit_code == 0, found.output
        assert f"writing it again: {path}: cannot be read" in found.stderr
        assert json.loads(path.read_text())
    assert effbench("leaderboard", root).exit_code == 0


@pytest.mark.parametrize("what", ANY)
def test_a_published_file_among_good_ones_leaves_a_table(
    effbench, two_suites: Path, tmp_path: Path, what: str
) -> None:
    model = tmp_path / "published" / "some__model"
    write_task(model / "1", "data-0", {"ndcg_at_10": 0.7})
    bad = write_task(model / "2", "data-0", {"ndcg_at_10": 0.6})
    ANY[what](bad)
    found = effbench(
        "leaderboard", two_suites, "--format", "json", "--published", tmp_path / "published"
    )
    assert found.exit_code == 1, found.output
    (line,) = found.stderr.splitlines()
    assert line.startswith(f"left out: {bad}: ")
    assert "some/model (published)" in found.stdout


def test_numbers_that_only_mteb_writes_do_not_hide_its_scores(effbench, two_suites, tmp_path):
    path = write_task(tmp_path / "p" / "some__model" / "1", "data-0", {"ndcg_at_10": 0.7})
    path.write_text(
        altered(path.read_text(), '"main_score": 0', '"nauc": NaN, "main_score": 0')
    )
    found = effbench(
        "leaderboard", two_suites, "--format", "csv", "--published", tmp_path / "p"
    )
    assert found.exit_code == 0, found.output
    assert "some/model (published)" in found.stdout


def test_reading_leaves_the_memory_whole(two_suites: Path) -> None:
    """Under an allocator that checks: a process that damages its memory ends by a signal."""
    code = (
        "import sys; from pathlib import Path; from effbench.board.leaderboard import boards;"
        "print(len(boards([Path(sys.argv[1])])))"
    )
    checked = {**os.environ, "PYTHONMALLOC": "debug"}
    command = [sys.executable, "-c", code, str(two_suites)]
    found = subprocess.run(command, env=checked, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "2\n"), found.stderr[-500:]
