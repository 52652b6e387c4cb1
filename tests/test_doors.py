"""Files at the door: what is wrong with one is named, it is left out, the rest is shown."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from effbench.latency import archive
from effbench.latency import recorded as sessions
from effbench.run import recorded
from effbench.store import door
from made_records import write_results
from test_mteb_files import write_task

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


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Make a suite of two rows on two datasets, and another suite."""
    root = tmp_path / "results"
    for suite in ("made", "whole"):
        write_results(root, rows=["big", "small"], datasets=2, suite=suite)
    for path in root.rglob("*--*.json"):
        put(path, "search", {"ef": 7})
        texts = path.parent / "queries" / f"{path.stem[:6]}.json"
        texts.parent.mkdir(exist_ok=True)
        texts.write_text('{"q0": "a text"}')
    return root


@pytest.fixture
def said(effbench, results: Path) -> Callable[[Path, str], None]:
    """Look for the one line that names a file, and for the rows of all that is whole."""

    def look(path: Path, what: str) -> None:
        found = effbench("leaderboard", results, "--format", "json")
        assert isinstance(found.exception, SystemExit), (what, found.exception)
        lines = found.stderr.splitlines()
        assert found.exit_code == 1, (what, found.output[-300:])
        assert len(lines) == 1, (what, lines)
        assert lines[0].startswith(f"left out: {path}: "), (what, lines)
        assert len(lines[0]) < 700, what
        shown = {table["suite"]: len(table["lines"]) for table in json.loads(found.stdout)}
        assert shown["whole"] == 2, what
        assert shown.get("made", 0) == (0 if path.name == "suite.json" else 2), what

    return look


def put(path: Path, place: str, value: Any) -> None:
    """Put a value at a dotted place of a JSON file or a session's header."""
    session = path.suffix == ".npz"
    arrays = dict(np.load(path)) if session else {}
    data = json.loads(arrays["header"].tobytes() if session else path.read_text())
    *outer, last = place.split(".")
    inside = data
    for name in outer:
        inside = inside[int(name) if isinstance(inside, list) else name]
    inside[int(last) if isinstance(inside, list) else last] = value
    text = json.dumps(data)
    if session:
        arrays["header"] = np.frombuffer(text.encode(), dtype=np.uint8)
        np.savez_compressed(path, **arrays)
    else:
        path.write_text(text)


def file_of(results: Path, kind: str) -> Path:
    found = results / "a-machine" / "made"
    if kind == "session":
        return next((found / "latency").glob("data-0--*"))
    names = {"record": "data-0--1.json", "suite": "suite.json", "texts": "queries/data-0.json"}
    return found / names[kind]


@pytest.mark.parametrize("kind", ["record", "suite", "texts", "session"])
def test_what_is_no_such_file_is_named(results: Path, said, kind: str) -> None:
    path = file_of(results, kind)
    good = path.read_bytes()
    for what, damage in ANY.items():
        damage(path)
        said(path, what)
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        path.write_bytes(good)


def test_a_zip_whose_names_are_damaged_is_not_shown_whole(results: Path, said) -> None:
    path = file_of(results, "session")
    damaged = bytearray(path.read_bytes())
    damaged[26:28] = (1500).to_bytes(2, "little")  # how long the first member's name is
    path.write_bytes(damaged)
    said(path, "which zipfile quotes")


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        *(("record", place) for place in RECORD),
        *(("suite", place) for place in SUITE),
        *(("session", place) for place in SESSION),
    ],
)
def test_what_does_not_fit_its_place_is_named(results: Path, said, kind: str, place: str):
    path = file_of(results, kind)
    good = path.read_bytes()
    fine = {"record": FINE_IN_RECORD, "suite": FINE_IN_SUITE, "session": FINE_IN_SESSION}[kind]
    wrong = [v for v in VALUES if not any(v is f or (v == f and type(v) is type(f))
                                          for f in fine.get(place, ()))]  # fmt: skip
    assert len(wrong) > 3
    for value in wrong:
        put(path, place, value)
        said(path, repr(value)[:50])
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
def test_what_is_not_our_json_is_named(results: Path, said, old: str, new: str) -> None:
    path = file_of(results, "record")
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    said(path, new)


@pytest.mark.parametrize("value", [1.5, -0.5, 1e300])
def test_values_that_no_such_measure_has_are_named(results: Path, said, value: float) -> None:
    path = file_of(results, "record")
    put(path, "per_query.nDCG@10", {"q0": value})
    put(path, "scores.nDCG@10", value)
    said(path, str(value))


def test_what_lacks_a_part_is_named(results: Path, said) -> None:
    for kind in ("record", "suite"):
        path = file_of(results, kind)
        good = json.loads(path.read_text())
        for name in good.keys() - {"k", "passages", "trained_on", "versions", "latency"}:
            path.write_text(json.dumps({n: v for n, v in good.items() if n != name}))
            said(path, name)
        path.write_text(json.dumps(good))


def test_a_file_without_permission_is_named(results: Path, said, monkeypatch) -> None:
    """Also for root, whom the system lets read all."""
    path, real = file_of(results, "record"), os.open

    def refuse(name: Any, *given: Any, **options: Any) -> int:
        if str(name) == str(path):
            raise PermissionError(13, "Permission denied", str(name))
        return real(name, *given, **options)

    monkeypatch.setattr(os, "open", refuse)
    said(path, "permission")


def columns(path: Path, **changed: Any) -> None:
    np.savez_compressed(path, **{**np.load(path), **changed})


@pytest.mark.parametrize(
    ("name", "value"),
    [("row", 2), ("span", 9), ("process", 3), ("query", 12), ("block", 7), ("ns", 0),
     ("ns", -5), ("ns", 2**62)],
)  # fmt: skip
def test_times_of_what_the_header_does_not_have_are_named(
    results: Path, said, name: str, value: int
) -> None:
    path = file_of(results, "session")
    column = np.load(path)[name].copy()
    column[5] = value
    columns(path, **{name: column})
    said(path, name)


@pytest.mark.parametrize(
    "changed",
    [
        {"ns": np.ones(3, dtype="i8")},
        {"ns": np.ones((2, 2), dtype="i8")},
        {"ns": np.array(7)},
        {"ns": np.ones(144, dtype="f8")},
        {"row": np.zeros(144, dtype="S9")},
        {"ns": np.array([None] * 144)},
        {"header": np.zeros(9, dtype="i8")},
    ],
)
def test_arrays_of_another_kind_are_named(results: Path, said, changed) -> None:
    path = file_of(results, "session")
    columns(path, **changed)
    said(path, str(changed))


def test_a_bomb_is_refused_before_it_is_inflated(results: Path, said, monkeypatch) -> None:
    path = file_of(results, "session")
    arrays = dict(np.load(path))
    inflated = []
    real = zipfile.ZipExtFile.read

    def noted(file: zipfile.ZipExtFile, count: int = -1) -> bytes:
        data = real(file, count)
        inflated.append(len(data))
        return data

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in arrays:
            with file.open(f"{name}.npy", "w") as member:
                if name == "ns":
                    for _ in range(archive.MOST_TIMES * 8 // 1_000_000 + 2):
                        member.write(b"\0" * 1_000_000)
                else:
                    np.lib.format.write_array(member, arrays[name])
    assert path.stat().st_size < 200_000
    monkeypatch.setattr(zipfile.ZipExtFile, "read", noted)
    said(path, "bomb")
    assert sum(inflated) < 10_000_000


def test_a_size_that_the_directory_understates_is_damage(results: Path, said) -> None:
    path = file_of(results, "session")
    data = path.read_bytes()
    at = data.index(b"ns.npy", data.index(b"PK\x01\x02")) - 46
    size = int.from_bytes(data[at + 24 : at + 28], "little")
    path.write_bytes(data[: at + 24] + (size - 8).to_bytes(4, "little") + data[at + 28 :])
    said(path, "understated")


def test_a_directory_of_many_files_is_refused_unread(results: Path, said) -> None:
    path = file_of(results, "session")
    with zipfile.ZipFile(path, "a") as file:
        for number in range(200):
            file.writestr(f"{number}.npy", b"")
    said(path, "many")


@pytest.mark.parametrize("what", ["leaderboard", "page", "budget", "mteb", "diff", "compare"])
def test_every_command_that_reads_results_names_it(
    effbench, results: Path, tmp_path: Path, what: str
) -> None:
    path = file_of(results, "record")
    put(path, "created", "yesterday")
    commands: dict[str, list[Any]] = {
        "leaderboard": ["leaderboard", results],
        "page": ["leaderboard", results, "--output", tmp_path / "board.html"],
        "budget": ["leaderboard", results, "--budget", "1s"],
        "mteb": ["leaderboard", results, "--suite", "made", "--format", "mteb", "--output",
                 tmp_path / "mteb"],
        "diff": ["diff", results, results],
        "compare": ["compare", "big", "small", "--results", results],
    }  # fmt: skip
    found = effbench(*commands[what])
    assert found.exit_code == 1, found.output
    named = [line for line in found.stderr.splitlines() if str(path) in line]
    assert len(named) == 1, found.stderr
    assert "created: " in named[0]


def test_show_names_what_it_cannot_read(effbench, results: Path) -> None:
    path = file_of(results, "record")
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
    effbench, results: Path, tmp_path: Path, what: str
) -> None:
    model = tmp_path / "published" / "some__model"
    write_task(model / "1", "data-0", {"ndcg_at_10": 0.7})
    bad = write_task(model / "2", "data-0", {"ndcg_at_10": 0.6})
    ANY[what](bad)
    found = effbench(
        "leaderboard", results, "--format", "json", "--published", tmp_path / "published"
    )
    assert found.exit_code == 1, found.output
    (line,) = found.stderr.splitlines()
    assert line.startswith(f"left out: {bad}: ")
    assert "some/model (published)" in found.stdout


def test_numbers_that_only_mteb_writes_do_not_hide_its_scores(effbench, results, tmp_path):
    path = write_task(tmp_path / "p" / "some__model" / "1", "data-0", {"ndcg_at_10": 0.7})
    path.write_text(path.read_text().replace('"main_score": 0', '"nauc": NaN, "main_score": 0'))
    found = effbench("leaderboard", results, "--format", "csv", "--published", tmp_path / "p")
    assert found.exit_code == 0, found.output
    assert "some/model (published)" in found.stdout


def _unions(kind: Any) -> typing.Iterator[Any]:
    if isinstance(kind, msgspec.inspect.UnionType):
        yield kind
    for name in getattr(kind, "__struct_fields__", ()):
        value = getattr(kind, name)
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, msgspec.inspect.Type | msgspec.inspect.Field):
                yield from _unions(inner)


@pytest.mark.parametrize("kind", [recorded.Record, recorded.SuiteFacts, sessions.Header])
def test_no_union_kills_the_process(kind: Any) -> None:
    """msgspec 0.22.0 writes past its memory where a pattern meets a list or a mapping."""
    for union in _unions(msgspec.inspect.type_info(kind)):
        names = {type(one).__name__ for one in union.types}
        patterns = [one for one in union.types if getattr(one, "pattern", None)]
        assert not (patterns and names & {"ListType", "DictType"}), (kind, union)


def test_reading_leaves_the_memory_whole(results: Path) -> None:
    """Under an allocator that checks: a process that damages its memory ends by a signal."""
    code = (
        "import sys; from pathlib import Path; from effbench.board.leaderboard import boards;"
        "print(len(boards([Path(sys.argv[1])])))"
    )
    checked = {**os.environ, "PYTHONMALLOC": "debug"}
    command = [sys.executable, "-c", code, str(results)]
    found = subprocess.run(command, env=checked, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "2\n"), found.stderr[-500:]


def test_the_largest_honest_record_is_read(tmp_path: Path) -> None:
    """10,000 queries and five measures take a fiftieth of what may be read."""
    values = {f"query-{number}": number / 10_000 for number in range(10_000)}
    text = json.dumps({f"nDCG@{k}": values for k in range(5)}).encode()
    assert len(text) * 50 < door.LARGEST
    (tmp_path / "a.json").write_bytes(text)
    assert door.parsed(door.content(tmp_path / "a.json"), tmp_path)["nDCG@0"] == values
