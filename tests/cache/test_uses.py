"""Who uses an artifact: it is not freed meanwhile."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from altered import altered
from effbench.cache import uses
from effbench.cli.options import planned
from made_cache import CACHED, command, folders, values

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


def test_what_a_run_uses_is_not_freed_until_it_has_ended(
    effbench, rerun, suite, installed, held, tmp_path: Path
) -> None:
    rerun("idle", 40)
    text = altered(CACHED.format(name="busy", docs=60), "words: {use: words}, ", "")
    late = f"encoders: {{early: {{use: words}}, late: {{use: waiting, folder: {tmp_path}}}, "
    installed("effbench_waiting", WAITING)
    path = suite(altered(text, "encoders: {", late), "busy.yaml")
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
    assert busy["toy--late--plain"] == busy["toy--early--plain"] == rerun()["toy--words--plain"]
    assert not [p for p in (tmp_path / "cache" / "uses").iterdir() if len(p.name) > 40]
    assert effbench("cache", "free", "--to", "0B", "--yes").exit_code == 0
    assert held() == []


def test_a_killed_run_holds_nothing_and_a_damaged_note_of_a_living_one_all(
    effbench, suite, installed, held, tmp_path: Path
) -> None:
    text = altered(CACHED.format(name="busy", docs=60), "words: {", "late: {")
    installed("effbench_waiting", WAITING)
    text = altered(text, "{use: words}", f"{{use: waiting, folder: {tmp_path}}}")
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


def test_a_note_of_another_user_holds_too(rerun, suite, tmp_path: Path, monkeypatch) -> None:
    rerun()
    store, plan = planned(str(suite(CACHED.format(name="toys", docs=60))), None, None)

    def refused(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(uses.os, "utime", refused)
    assert not uses.read(store.root).held
    with uses.using(store, plan):
        assert len(uses.read(store.root).held) == len(folders(tmp_path / "cache"))
    assert not uses.read(store.root).held


def test_a_store_that_takes_no_notes_is_still_used(rerun, tmp_path: Path) -> None:
    scores = rerun()
    shutil.rmtree(tmp_path / "cache" / "uses")
    (tmp_path / "cache" / "uses").write_text("in the way")
    assert rerun() == scores


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
