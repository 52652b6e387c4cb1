"""Disks and folders that are full, shut, swapped or gone: one line that names the path."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from altered import altered
from folders import TOY
from made_processes import MAIN
from made_suites import TWO_ROWS

TIMED = altered(TWO_ROWS, "latency: false", "latency: {processes: 1, queries: 5, warmup: 2}")
CELL = "toy--words--plain"
PLACES = {
    "--cache": ("run", "SUITE", "--results", "results", "--cache"),
    "--results": ("run", "SUITE", "--results"),
    "--data": ("plan", "SUITE", "--data"),
    "DIR": ("export", "SUITE", "words"),
    "RESULTS": ("leaderboard",),
    "--output": ("leaderboard", "results", "--format", "markdown", "--output"),
}


@contextlib.contextmanager
def no_room(size: int = 0) -> Iterator[None]:
    """Let no file of this process grow beyond some bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(effbench, suite, here: Path):
    """Run the suite into results and cache of this folder."""
    plain = suite(TWO_ROWS)
    suite(TIMED, "timed.yaml")
    return lambda path=plain: effbench("run", path, "--results", "results")


def of(here: Path) -> Path:
    (folder,) = here.glob("results/*/toys")
    return folder


def lines_of(found: Result) -> str:
    """Return what a command said, which is no traceback."""
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    assert "Traceback" not in found.output
    return found.output


def tree(folder: Path) -> dict[str, int]:
    """Return the dates of what is in a folder, but for notes of who uses it."""
    found = (path for path in folder.rglob("*") if folder / "uses" not in (path, path.parent))
    return {str(path): path.stat().st_mtime_ns for path in found}


def swap(path: Path) -> None:
    """Put a file in a folder's place, a folder in a file's."""
    if path.is_dir():
        shutil.rmtree(path)
        path.write_text("a file")
    else:
        path.unlink(missing_ok=True)
        (path / "a folder").mkdir(parents=True)


def test_a_full_disk_is_found_before_any_work(run) -> None:
    with no_room():
        found = run()
    assert found.exit_code == 2
    said = re.search(r"Error: (\S+): cannot be written: File too large", lines_of(found))
    assert said
    assert said[1].endswith("cache")


@pytest.mark.parametrize("size", [4096, 6000, 8192, 12000])
def test_a_disk_that_fills_up_loses_nothing(run, here: Path, size: int) -> None:
    with no_room(size):
        found = run()
    assert found.exit_code == 1
    for line in lines_of(found).splitlines():
        if line.startswith("FAILED"):
            reason = line.split(": ", 1)[1]
            assert re.match(r"/\S+: (File too large|.* written) \(free some space", reason)
    made = {path for path in here.glob("cache/*/*/manifest.json")}
    again = run()
    assert again.exit_code == 0, again.output
    assert f"{7 - len(made)} steps made" in again.stderr
    assert not list(here.rglob(".*"))


def test_a_record_that_cannot_be_written_is_said(run, here: Path) -> None:
    assert run().exit_code == 0
    for record in of(here).glob("toy--*.json"):
        record.unlink()
    swap(of(here) / f"{CELL}.json")
    found = run()
    assert found.exit_code == 1
    path = of(here) / f"{CELL}.json"
    assert f"{CELL}: no record of it: {path}: Is a directory" in lines_of(found)
    assert "1 cell done, 0 finished already, 1 failed; 0 steps made" in found.stderr


@pytest.mark.parametrize(
    "command", [("plan", "SUITE"), ("plan", "SUITE", "--json"), ("leaderboard", "results"),
                ("leaderboard", "results", "--format", "csv"), ("show", CELL), ("plugins",),
                ("compare", "words", "scan"), ("--help",)],
)  # fmt: skip
def test_a_full_standard_output_is_one_line(run, here: Path, command) -> None:
    assert run().exit_code == 0
    words = ["suite.yaml" if word == "SUITE" else word for word in command]
    with Path("/dev/full").open("wb") as full:
        found = started(words, stdout=full)
    assert found.returncode == 2
    assert found.stderr.strip() == (
        "Error: standard output: No space left on device "
        "(free some space, or name another place)"
    )


def started(words: list[str], **streams) -> subprocess.CompletedProcess[str]:
    toy = str(TOY)
    code = f"import sys; sys.path.insert(0, {toy!r}); {MAIN}"
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(
        [sys.executable, "-c", code, *words], text=True, timeout=120, **streams
    )


@pytest.mark.parametrize("gone", ["full", "closed pipe"])
def test_work_goes_on_where_nobody_hears_of_it(
    suite, here: Path, gone: str, monkeypatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with it, Python keeps no rest
    suite(TWO_ROWS)
    if gone == "full":
        deaf = os.open("/dev/full", os.O_WRONLY)
    else:
        end, deaf = os.pipe()
        os.close(end)
    found = started(["run", "suite.yaml", "--results", "results"], stderr=deaf)
    os.close(deaf)
    assert found.returncode == 0
    assert len(list(of(here).glob("toy--*.json"))) == 2


@pytest.mark.parametrize("form", ["table", "markdown", "json"])
def test_a_reader_that_has_seen_enough_is_no_mistake(run, here: Path, form: str) -> None:
    assert run().exit_code == 0
    end, pipe = os.pipe()
    os.close(end)
    found = started(["leaderboard", "results", "--format", form], stdout=pipe)
    os.close(pipe)
    assert found.stderr == ""


def test_a_finished_store_is_read_without_writing(run, effbench, suite, here: Path) -> None:
    assert run().exit_code == 0
    for path in [*here.glob("cache/*/*.lock"), *here.glob("cache/digests.json")]:
        path.unlink()
    before = tree(here / "cache")
    with no_room():
        assert effbench("plan", "suite.yaml").exit_code == 0
        found = run()
        assert found.exit_code == 0, found.output
        assert "0 cells done, 2 finished already, 0 failed; 0 steps made" in found.stderr
        assert effbench("leaderboard", "results").exit_code == 0
    new = effbench("run", suite(TWO_ROWS), "--results", "new")
    assert "2 cells done, 0 finished already, 0 failed; 0 steps made" in new.stderr
    other = effbench(
        "run", suite(altered(TWO_ROWS, "nDCG@10", "RR@10"), "other.yaml"), "--results", "new"
    )
    assert "2 cells done" in other.stderr
    assert tree(here / "cache") == before


def test_a_session_reads_a_finished_store_without_writing(
    run, effbench, here: Path, monkeypatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(here))  # its lock is no other session's
    assert run().exit_code == 0
    for path in here.glob("cache/*/*.lock"):
        path.unlink()
    before = tree(here / "cache")
    found = effbench("latency", "timed.yaml", "--results", "results")
    assert found.exit_code == 0, found.output
    assert tree(here / "cache") == before


@pytest.mark.parametrize(
    "place",
    ["cache", "cache/data", "cache/run", "cache/encode", "results", "MACHINE", "MACHINE/toys",
     "MACHINE/machine.json", "MACHINE/toys/suite.json", f"MACHINE/toys/{CELL}.json",
     "MACHINE/toys/runs", "MACHINE/toys/queries", "MACHINE/toys/queries/toy.json",
     f"MACHINE/toys/runs/{CELL}.trec.gz", "RUN", "RUN/run.trec", "RUN.lock"],
)  # fmt: skip
def test_what_stands_in_a_files_or_folders_place_is_named(run, here: Path, place) -> None:
    assert run().exit_code == 0
    machine = of(here).parent
    (step,) = (
        path.parent
        for path in here.glob("cache/run/*/manifest.json")
        if json.loads(path.read_text())["label"] == "search plain for words on toy"
    )
    path = here / place.replace("MACHINE", str(machine)).replace("RUN", str(step))
    if not place.startswith(("results", "MACHINE")):
        shutil.rmtree(here / "results")
    if place == "RUN.lock":
        shutil.rmtree(step)
    elif place == "RUN/run.trec":
        assert path.is_file()
    swap(path)
    found = run()
    assert found.exit_code in (1, 2)
    named = re.escape(str(path.relative_to(here)))
    assert re.search(rf"{named}(/\S+: |: |' is a file)", lines_of(found))
    assert re.search("Not a directory|Is a directory|File exists|is a file", found.output)


def test_where_digests_were_remembered_may_be_anything(run, here: Path) -> None:
    (here / "cache" / "digests.json").mkdir(parents=True)
    assert run().exit_code == 0


def test_a_session_has_a_place_before_it_is_measured(run, here: Path) -> None:
    assert run().exit_code == 0
    (of(here) / "latency").write_text("a file")
    found = run("timed.yaml")
    assert found.exit_code == 1
    said = f"latency: {of(here) / 'latency'}: cannot be written: File exists"
    assert found.stderr.count(said) == 2
    assert "latency on toy" not in found.stderr, "nothing is measured for nothing"


def test_a_session_that_cannot_be_kept_is_kept_elsewhere(tmp_path: Path, monkeypatch) -> None:
    from effbench.api.errors import EffbenchError
    from effbench.latency import samples as sessions
    from effbench.latency.samples import Recording

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "latency").write_text("a file")
    header = {"started": "2026-11-26", "dataset": "toy", "errors": {}, "warnings": []}
    with pytest.raises(
        EffbenchError, match=r"File exists .*; what was measured is in"
    ) as raised:
        sessions.write(tmp_path, Recording(header))
    (kept,) = tmp_path.glob("effbench-*/toy--20261126.npz")
    assert f"{kept} (move it to {tmp_path / 'latency' / kept.name})" in str(raised.value)


@pytest.mark.parametrize("argument", PLACES)
def test_all_arguments_that_name_a_place_behave_alike(
    effbench, suite, run, here: Path, monkeypatch, argument: str
) -> None:
    assert run().exit_code == 0
    monkeypatch.setenv("HOME", str(here / "home"))
    (here / "home" / "toys").mkdir(parents=True)
    words = [suite(TWO_ROWS) if word == "SUITE" else word for word in PLACES[argument]]
    empty = effbench(*words, "")
    assert empty.exit_code == 2
    assert "an empty name (name a place; . is this folder)" in lines_of(empty)
    nobody = effbench(*words, "~nobody-here/x")
    assert nobody.exit_code == 2
    assert "no home folder of that user is known" in lines_of(nobody)
    shutil.copytree(here / "results", here / "home" / "toys" / "results")
    effbench(*words, "~/toys/board" if argument == "--output" else "~/toys")
    assert not list(here.glob("~*")), "a folder of that name is never meant"
    (here / "loop").symlink_to("loop")
    if argument != "--output":  # the link is replaced
        loop = effbench(*words, "loop")
        assert loop.exit_code == 2
        assert "loop" in lines_of(loop)


@pytest.mark.parametrize("value", ["", "rel", "~/cache"])
def test_the_caches_variable_may_be_empty_relative_or_begin_at_home(
    run, here: Path, monkeypatch, value: str
) -> None:
    monkeypatch.setenv("HOME", str(here / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("EFFBENCH_CACHE", value)
    assert run().exit_code == 0
    place = {"": "home/.cache/effbench", "rel": "rel", "~/cache": "home/cache"}[value]
    assert (here / place / "run").is_dir()
    assert {path.name for path in here.iterdir()} == {
        "results", "suite.yaml", "timed.yaml", Path(place).parts[0]
    }  # fmt: skip


def test_the_caches_variable_may_be_no_address(run, monkeypatch) -> None:
    monkeypatch.setenv("EFFBENCH_CACHE", "s3://bucket/effbench")
    found = run()
    assert found.exit_code == 2
    assert "s3://bucket/effbench is an address (give it to --cache" in lines_of(found)


def test_no_home_is_said(effbench, suite, monkeypatch) -> None:
    for name in ("EFFBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "")
    found = effbench("plan", suite(TWO_ROWS))
    assert found.exit_code == 2
    assert lines_of(found).startswith("Error: this user has no home folder (set HOME, or ")


def test_a_folder_that_was_removed_is_said(suite, here: Path) -> None:
    path = suite(TWO_ROWS)
    gone = here / "gone"
    gone.mkdir()
    code = f"import os; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r}); "
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{code}{MAIN}",
            "plan",
            path,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 2
    assert found.stderr.startswith("Error: the current folder: No such file or directory (")


@pytest.mark.parametrize("name", ["a b", "a\nb", "a\udcffb", "-x", "ü", "$(x)"])
def test_a_folder_may_have_any_name(effbench, here: Path, name: str) -> None:
    folder = here / name
    folder.mkdir()
    (folder / "s.yaml").write_text(TWO_ROWS)
    options = ("--results", folder / "r", "--cache", folder / "c")
    for cells in ("2 cells done, 0 finished", "0 cells done, 2 finished"):
        found = effbench("run", folder / "s.yaml", *options)
        assert found.exit_code == 0
        assert cells in lines_of(found)
    page = folder / "board.html"
    assert effbench("leaderboard", folder / "r", "--output", page).exit_code == 0
    assert page.is_file()


def test_a_link_that_leads_to_itself_is_no_home_folder(effbench, suite, here: Path) -> None:
    (here / "loop").symlink_to("loop")
    found = effbench("plan", suite(altered(TWO_ROWS, "use: toy", "use: folder, path: loop")))
    assert found.exit_code == 2
    assert re.search("'loop': links lead in a circle", lines_of(found))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into any folder")
def test_a_folder_that_nobody_may_look_into_is_named(run, effbench, here: Path) -> None:
    assert run().exit_code == 0
    shut = here / "results" / "another-machine"
    shut.mkdir(mode=0)
    found = effbench("leaderboard", "results")
    assert found.exit_code == 1
    assert f"left out: {shut.relative_to(here)}: Permission denied" in found.stderr


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_terminal_may_lack_characters(run, here: Path, monkeypatch, encoding: str) -> None:
    (here / "suite.yaml").write_text(altered(TWO_ROWS, "words: {", "\u043c\u4e2d: {"))
    assert run().exit_code == 0
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    found = started(["leaderboard", "results", "--format", "markdown"])
    assert (found.returncode, found.stderr) == (0, "")
    assert r"| \u043c\u4e2d |" in found.stdout


def test_a_system_may_lack_characters_for_names(suite, here: Path, monkeypatch) -> None:
    suite(altered(TWO_ROWS, "suite: toys", "suite: \u043c"))
    for name, value in {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}.items():
        monkeypatch.setenv(name, value)
    found = started(["run", "suite.yaml", "--results", "results"])
    assert found.returncode == 2
    assert "suite.json: no name for files in this system's encoding, ascii " in found.stderr
    assert found.stderr.endswith("(set PYTHONUTF8=1, or a locale of UTF-8)\n")
