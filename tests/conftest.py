from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from altered import first_altered
from folders import ROOT, TOY

if TYPE_CHECKING:
    from made_sessions import Board

os.environ.setdefault(
    "EFFBENCH_IN_PROCESS", "1"
)  # tests replace parts; tests/making has workers
os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when huggingface_hub is imported
os.environ["IR_DATASETS_HOME"] = tempfile.mkdtemp()  # importing ir_datasets makes the folder

sys.path.insert(0, str(TOY))  # its dist-info makes it an installed plugin


@pytest.fixture
def shared_data() -> Path:
    """Real collections, which the project does not ship (docs/development.md)."""
    beside = ROOT.parent / "shared" / "data"
    folder = Path(os.environ.get("EFFBENCH_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no real data here: set EFFBENCH_TEST_DATA (docs/development.md)")
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFFBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def effbench() -> Callable[..., Result]:
    """Run the command line in this process."""
    from effbench.cli.commands import main

    return lambda *arguments: CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.fixture
def suite(tmp_path: Path) -> Callable[[str], Path]:
    """Write a suite file."""

    def write(text: str, name: str = "suite.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def run(effbench, suite, tmp_path: Path) -> Callable[..., Result]:
    """Run a suite's text into tmp_path/results."""

    def start(text: str, *options: object) -> Result:
        return effbench("run", suite(text), "--results", tmp_path / "results", *options)

    return start


@pytest.fixture
def records(tmp_path: Path) -> Callable[[], dict[str, dict[str, Any]]]:
    """Read the records in tmp_path/results, by cell."""

    def read() -> dict[str, dict[str, Any]]:
        paths = (tmp_path / "results").glob("*/*/*--*.json")
        return {path.stem: json.loads(path.read_text()) for path in paths}

    return read


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Let torch use one thread: two on small matrices only wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def ran(run, records) -> Callable[[str], tuple[Result, dict[str, dict[str, Any]]]]:
    """Run a suite's text; return the result and the records by cell."""
    return lambda text: (run(text), records())


@pytest.fixture
def shown(effbench, run, tmp_path: Path) -> Callable[..., str]:
    """Run a suite's text, then show its leaderboard in a format."""

    def show(text: str, form: str = "json", *options: str) -> str:
        run(text, *options)
        found = effbench("leaderboard", tmp_path / "results", "--format", form)
        assert found.exit_code == 0, found.output
        return found.stdout

    return show


@pytest.fixture
def board(effbench, suite, tmp_path: Path) -> Board:
    """Run a suite without latency, to which a test adds sessions that it makes up."""
    from made_sessions import Board

    return Board(effbench, suite, tmp_path / "results")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a module an installed plugin."""
    from effbench.work import code

    def install(
        name: str, source: str, point: str = "", plugin: str = "", commands: str = ""
    ) -> None:
        info = tmp_path / "site" / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        points = f"[effbench]\n{plugin or name} = {point or name}\n"
        text = f"{points}[effbench.commands]\n{commands}\n"
        (info / "entry_points.txt").write_text(text)
        (tmp_path / "site" / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path / "site")
        monkeypatch.delitem(sys.modules, name, raising=False)
        code.digest.cache_clear()  # another test may have had a module of this name

    return install


@pytest.fixture
def two_suites(tmp_path: Path) -> Path:
    """Make a suite of two rows on two datasets, and another suite."""
    from altered import put
    from made_records import write_results

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
def left_out(effbench, two_suites: Path) -> Callable[[Path, str], None]:
    """Look for the one line that names a file, and for the rows of all that is whole."""

    def look(path: Path, what: str) -> None:
        found = effbench("leaderboard", two_suites, "--format", "json")
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


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in tmp_path."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mine(installed, monkeypatch):
    """Install a plugin 'mine' beside the toys."""
    from made_plugins import HEAD

    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy,mine,cut")
    return lambda source, **more: installed("mine", HEAD + source, **more)


@pytest.fixture
def planned(effbench, suite):
    """Plan a suite that was changed."""
    from made_suites import PLAIN

    def start(old: str = "", new: str = "", *options: str):
        return effbench("plan", suite(first_altered(PLAIN, old, new)), *options)

    return start


@pytest.fixture
def asked(monkeypatch):
    """Ask a latency worker that runs a script; return its answer, or the error as text."""

    from effbench.latency import workers
    from effbench.latency.replies import First
    from effbench.latency.workers import Worker, WorkerError
    from effbench.making.leftovers import end_leftovers
    from made_workers import FAKE

    def ask(script: str, reply=First, timeout: float = 60, **options):
        monkeypatch.setattr(workers, "PROGRAM", ("-c", FAKE + script))
        worker = Worker("encoder 'e'", 1, None)
        try:
            return worker.ask("first", reply, timeout, **options)
        except WorkerError as error:
            return str(error)
        finally:
            worker.end()
            end_leftovers({worker.mark})
            assert worker._process.returncode is not None

    return ask
