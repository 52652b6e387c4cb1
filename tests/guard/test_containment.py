"""What a row does to the process that all rows share: nothing of it is left for the next."""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path

import effbench_untidy
import pytest

from altered import altered
from effbench.guard.blame import blamed, blamed_items
from effbench.guard.containment import contained_process
from made_suites import PLAIN
from made_untidy import BEFORE, WHO, with_row


def scores(folder: Path) -> dict[str, dict]:
    paths = folder.glob("*/toys/*--*.json")
    return {path.stem: json.loads(path.read_text())["per_query"] for path in paths}


def test_what_nothing_can_catch_is_one_line(capsys) -> None:
    class Deleted:
        def __del__(self) -> None:
            sys.exit(0)

    with contained_process(), blamed("encoder 'u'"):
        Deleted()
        gc.collect()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("encoder 'u': SystemExit: 0 (a plugin must not end the program")
    assert "(ignored; in " in line


def test_a_call_within_a_call_leaves_the_outer_one_as_it_is(tmp_path: Path) -> None:
    with contained_process(), blamed("retriever"):
        os.chdir(tmp_path)
        assert list(blamed_items(lambda: [1, 2], "dataset", str)) == ["1", "2"]
        with blamed("dataset"):
            pass
        assert Path.cwd() == tmp_path
    assert Path.cwd() != tmp_path


def test_what_items_change_is_put_back_before_another_plugin_is_called(tmp_path: Path) -> None:
    def items():
        os.chdir(tmp_path)
        yield 1

    before = Path.cwd()
    with contained_process():
        with blamed("first"):
            pass
        next(blamed_items(items, "dataset", str))
        with blamed("encoder"):
            assert Path.cwd() == before


def test_honest_rows_score_bit_by_bit_as_without_the_others(
    effbench, suite, tmp_path: Path
) -> None:
    honest = effbench(
        "run", suite(PLAIN), "--results", tmp_path / "a", "--cache", tmp_path / "c"
    )
    assert honest.exit_code == 0
    text = altered(with_row("mess: all"), "{use: toy}", "{use: untidy}, {use: toy}")
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
        text = altered(text, BEFORE, f"{BEFORE}bad: {{use: bad, wrong: rows}}, ")
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
    text = altered(
        with_row(f"fails: {fails}", use="fat"), "words: {use: words}", "v: {use: fat}"
    )
    if fails == "index":
        text = altered(PLAIN, "{plain:", "{f: {use: fat, fails: true}, g: {use: fat}, plain:")
    found = effbench("run", suite(text), "--results", tmp_path / "results")
    assert found.exit_code == 1
    assert "MemoryError: too fat" in found.stderr
    notes = [line for line in (tmp_path / "log").read_text().splitlines() if "fat" in line]
    assert len(notes) >= 2
    assert notes[:2] == ["0 fat rows are in memory"] * 2
