"""What a row does to the process that all rows share: nothing of it is left for the next."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import effbench_untidy
import pytest

from effbench.guard.blame import blamed, drawn
from effbench.guard.containment import kept
from effbench.guard.keepers import keepers

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders: {words: {use: words}}
indexes: {plain: {use: plain}}
latency: false
"""
BEFORE = "encoders: {"
WHO = "encoder 'u' (plugin untidy): "


def with_row(options: str, use: str = "untidy") -> str:
    """Return the suite with a row before the honest one."""
    return SUITE.replace(BEFORE, f"{BEFORE}u: {{use: {use}, {options}}}, ")


def scores(folder: Path) -> dict[str, dict]:
    paths = folder.glob("*/toys/*--*.json")
    return {path.stem: json.loads(path.read_text())["per_query"] for path in paths}


@pytest.fixture
def run_alone(suite, tmp_path: Path):
    """Run a suite's text in a process of its own."""

    def start(text: str, *options: str, first: str = "") -> subprocess.CompletedProcess[str]:
        code = f"{first}\nfrom effbench.cli.commands import main\nmain()"
        command = [sys.executable, "-c", code, "run", str(suite(text))]
        return subprocess.run(
            [*command, "--results", str(tmp_path / "results"), *options],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return start


def state() -> list[object]:
    """Return all that belongs to all rows, in a form that can be compared."""
    import numpy as np
    import torch

    assert np.random, "which is imported when it is asked for"
    assert torch
    found = [one.taken() for one in keepers()]
    plain = [sorted(one.items()) if isinstance(one, Mapping) else str(one) for one in found]
    return [*plain, sys.stdout, sys.stderr]


@pytest.mark.parametrize("name", effbench_untidy.MESS)
def test_what_a_call_changes_is_put_back(name: str) -> None:
    assert state(), "which imports all that is looked at"
    with kept():
        with blamed("first"):
            pass
        before = state()
        with blamed("untidy"):
            effbench_untidy.MESS[name]()
            within = state()
        after = state()
        assert within != before, "else this would prove nothing"
        if name == "path":  # what it has added stays for it, behind all others
            sys.path.remove(tempfile.gettempdir())
            after = state()
        assert after == before


def test_what_changes_between_calls_is_put_back_before_the_next() -> None:
    with kept():
        with blamed("first"):
            pass
        before = Path.cwd()
        os.chdir("/")  # as what is deleted does, or a thread
        with blamed("encoder"):
            assert Path.cwd() == before


def test_what_nothing_can_catch_is_one_line(capsys) -> None:
    class Deleted:
        def __del__(self) -> None:
            sys.exit(0)

    with kept(), blamed("encoder 'u'"):
        Deleted()
        gc.collect()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("encoder 'u': SystemExit: 0 (a plugin must not end the program")
    assert "(ignored; in " in line


def test_a_call_within_a_call_leaves_the_outer_one_as_it_is(tmp_path: Path) -> None:
    with kept(), blamed("retriever"):
        os.chdir(tmp_path)
        assert list(drawn(lambda: [1, 2], "dataset", str)) == ["1", "2"]
        with blamed("dataset"):
            pass
        assert Path.cwd() == tmp_path
    assert Path.cwd() != tmp_path


def test_what_items_change_is_put_back_before_another_plugin_is_called(tmp_path: Path) -> None:
    def items():
        os.chdir(tmp_path)
        yield 1

    before = Path.cwd()
    with kept():
        with blamed("first"):
            pass
        next(drawn(items, "dataset", str))
        with blamed("encoder"):
            assert Path.cwd() == before


def test_honest_rows_score_bit_by_bit_as_without_the_others(
    effbench, suite, tmp_path: Path
) -> None:
    honest = effbench(
        "run", suite(SUITE), "--results", tmp_path / "a", "--cache", tmp_path / "c"
    )
    assert honest.exit_code == 0
    text = with_row("mess: all").replace("{use: toy}", "{use: untidy}, {use: toy}")
    both = effbench("run", suite(text), "--results", tmp_path / "b", "--cache", tmp_path / "d")
    assert both.exit_code == 0, both.stderr
    alone, beside = scores(tmp_path / "a"), scores(tmp_path / "b")
    assert len(beside) == 4
    assert alone["toy--words--plain"] == beside["toy--words--plain"]
    files = [
        sorted(path.read_bytes() for path in tmp_path.glob(f"{cache}/{kind}/*/*.npy"))
        for cache in "cd"
        for kind in ("encode", "queries")
    ]
    assert set(files[0] + files[1]) <= set(files[2] + files[3])


def test_the_torch_that_a_plugin_imports_first_is_put_back_too(run_alone) -> None:
    """The honest row is asked last, and says what it finds."""
    text = with_row("mess: all").replace("words: {use: words}", "v: {use: untidy, mess: says}")
    found = run_alone(text)
    assert found.returncode == 0, found.stderr
    said = [line for line in found.stderr.splitlines() if line.startswith("encoder 'v'")]
    assert said == ["encoder 'v' (plugin untidy): torch.float32 True cpu False"]


def test_what_plugins_print_is_named_and_json_stays_json(run_alone, monkeypatch) -> None:
    monkeypatch.setenv("UNTIDY_PRINTS", "1")
    found = run_alone(with_row("mess: prints"), "--json")
    assert found.returncode == 0
    (table,) = json.loads(found.stdout)
    assert {line["row"] for line in table["lines"]} == {"u", "words"}
    lines = found.stderr.splitlines()
    assert "plugin 'untidy': untidy is loaded" in lines
    begin = lines.index(f"{WHO}one")
    assert lines[begin : begin + 3] == [f"{WHO}one", f"{WHO}two", f"{WHO}begun"]


def test_what_is_printed_below_python_stays_off_standard_output(run_alone) -> None:
    found = run_alone(with_row("mess: prints below"), "--json")
    assert found.returncode == 0
    json.loads(found.stdout)
    for line in ("descriptor 1", "a child", "C", "the buffer", "the first stdout"):
        assert f"from {line}\n" in found.stderr


@pytest.mark.parametrize("end", ["printing thread", "printing atexit"])
def test_what_is_printed_later_stays_off_standard_output(run_alone, end: str) -> None:
    found = run_alone(with_row(f"end: {end}"), "--json")
    assert found.returncode == 0
    json.loads(found.stdout)
    assert (
        f"{WHO}from a thread\n" in found.stderr
        or "what a plugin left behind: at the end\n" in found.stderr
    )


@pytest.mark.parametrize(
    ("end", "line"),
    [
        ("thread", f"{WHO}it left a thread running, 'sleeper' (it ends with the program)"),
        ("atexit", "an exit handler of a plugin does not end (it is ended)"),
    ],
)
@pytest.mark.parametrize("failing", [False, True])
def test_what_is_left_does_not_keep_the_program_alive(
    run_alone, end: str, line: str, failing: bool
) -> None:
    text = with_row(f"end: {end}")
    if failing:
        text = text.replace(BEFORE, f"{BEFORE}bad: {{use: bad, wrong: rows}}, ")
    found = run_alone(
        text,
        "--json",
        first="import effbench.guard.ending\neffbench.guard.ending.GRACE_SECONDS = 0.5",
    )
    assert found.returncode == int(failing), found.stderr
    assert found.stderr.splitlines()[-1] == line
    json.loads(found.stdout)


def test_what_a_thread_raises_is_one_line(run_alone) -> None:
    found = run_alone(with_row("end: raising thread"))
    assert found.returncode == 0
    assert f"{WHO}its thread 'divider' raised ZeroDivisionError: division" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize("fails", ["init", "corpus", "index"])
def test_the_memory_of_what_has_failed_is_free_when_the_next_row_is_made(
    effbench, suite, tmp_path: Path, monkeypatch, fails: str
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    effbench_untidy.ALIVE.clear()
    text = with_row(f"fails: {fails}", use="fat").replace(
        "words: {use: words}", "v: {use: fat}"
    )
    if fails == "index":
        text = SUITE.replace("{plain:", "{f: {use: fat, fails: true}, g: {use: fat}, plain:")
    found = effbench("run", suite(text), "--results", tmp_path / "results")
    assert found.exit_code == 1
    assert "MemoryError: too fat" in found.stderr
    notes = [line for line in (tmp_path / "log").read_text().splitlines() if "fat" in line]
    assert len(notes) >= 2
    assert notes[:2] == ["0 fat rows are in memory"] * 2
