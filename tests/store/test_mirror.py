"""The cache at a remote address: what a machine has made, another one fetches."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from effbench.store import mirror, remote
from effbench.store.artifacts import Store
from effbench.store.mirror import Mirror
from effbench.store.remote import Remote
from made_suites import TOYS


class Slow(MemoryFileSystem):
    """A file system whose host sleeps for some seconds before it answers."""

    protocol = "slow"
    seconds = 0.0
    store: dict[str, Any] = {}  # noqa: RUF012 - as in the base class
    pseudo_dirs = [""]  # noqa: RUF012

    def cat_file(self, path: str, *arguments: Any, **options: Any) -> bytes:
        time.sleep(self.seconds)
        return super().cat_file(path, *arguments, **options)

    def exists(self, path: str, **options: Any) -> bool:
        time.sleep(self.seconds)
        return super().exists(path, **options)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"file://{tmp_path}/remote"


@pytest.fixture
def machine(run, address: str, tmp_path: Path, monkeypatch):
    """Return a function that runs the toys on a machine with a cache of its own."""

    def start(name: str) -> Any:
        monkeypatch.setenv("EFFBENCH_CACHE", str(tmp_path / name))
        return run(TOYS, "--cache", address, "--results", tmp_path / f"results-{name}")

    return start


def steps_made(found: Any) -> int:
    return int(re.search(r"; (\d+) steps? made", found.stderr)[1])


def scores(tmp_path: Path, name: str) -> dict[str, Any]:
    paths = tmp_path.glob(f"results-{name}/*/*/*--*.json")
    return {path.stem: json.loads(path.read_text())["per_query"] for path in paths}


def test_a_second_machine_fetches_and_makes_nothing(machine, tmp_path: Path) -> None:
    assert steps_made(machine("first")) == len(list(tmp_path.glob("remote/*/*/copy"))) > 5
    found = machine("second")
    assert found.exit_code == 0, found.output
    assert steps_made(found) == 0
    assert scores(tmp_path, "second") == scores(tmp_path, "first") != {}


def test_only_the_copy_with_a_wrong_file_is_made_again(machine, tmp_path: Path) -> None:
    machine("first")
    run_file = min(tmp_path.glob("remote/run/*/*/run.trec"))
    run_file.write_bytes(run_file.read_bytes()[:-1] + b"9")
    found = machine("second")
    assert found.exit_code == 0, found.output
    assert steps_made(found) == 1
    assert "run.trec: lost or damaged, making it again" in found.stderr
    assert scores(tmp_path, "second") == scores(tmp_path, "first")
    assert steps_made(machine("third")) == 0  # the mended copy is whole


def test_a_copy_counts_only_when_it_is_whole(machine, tmp_path: Path) -> None:
    first = machine("first")
    for pointer in tmp_path.glob("remote/*/*/copy"):
        pointer.unlink()  # as if each push had been killed before its end
    assert steps_made(machine("second")) == steps_made(first)


def test_a_machine_that_was_killed_before_its_copy_makes_it_later(
    machine, tmp_path: Path
) -> None:
    machine("first")
    fsspec.filesystem("file").rm(f"{tmp_path}/remote", recursive=True)
    for path in tmp_path.glob("results-first/*/*/*--*.json"):
        path.unlink()
    machine("first")
    assert steps_made(machine("second")) == 0


def made(store: Store) -> Any:
    artifact = store.artifact("run", "k" * 32)
    artifact.folder.mkdir(parents=True)
    artifact.put_text("a.txt", "some text")
    artifact.put_folder("model", lambda folder: (folder / "w").write_text("weights"))
    artifact.finish({"label": "toy"})
    return artifact


def test_files_and_folders_come_back_through_any_file_system(
    tmp_path: Path, monkeypatch
) -> None:
    copies = Mirror(Remote("memory://bucket/cache"))
    first = made(Store(tmp_path / "first"))
    notes: list[str] = []
    copies.push(first, notes.append)
    second = Store(tmp_path / "second").artifact("run", "k" * 32)
    second.folder.mkdir(parents=True)
    assert copies.fetch(second, notes.append)
    assert second.sound()
    assert (second.folder / "model" / "w").read_text() == "weights"
    assert second.manifest() == first.manifest()
    assert not list(second.folder.glob(".*"))
    absent = Store(tmp_path / "second").artifact("run", "m" * 32)
    assert not copies.fetch(absent, notes.append)
    assert not notes
    monkeypatch.setattr(mirror, "LARGE", 10)
    third = Store(tmp_path / "third").artifact("run", "k" * 32)
    third.folder.mkdir(parents=True)
    copies.fetch(third, notes.append)
    assert notes == ["memory://bucket/cache: fetching 16 bytes of toy"]


def test_a_fetch_goes_on_after_a_kill_and_shows_nothing_in_part(
    tmp_path: Path, monkeypatch
) -> None:
    copies = Mirror(Remote("memory://killed"))
    copies.push(made(Store(tmp_path / "first")), print)
    second = Store(tmp_path / "second").artifact("run", "k" * 32)
    second.folder.mkdir(parents=True)
    received: list[str] = []

    def receive(self: Remote, name: str, path: Path) -> None:
        received.append(name.rpartition("/")[2])
        if received[-1] == "w" and received.count("w") == 1:
            raise KeyboardInterrupt
        whole(self, name, path)

    whole = Remote.receive
    monkeypatch.setattr(Remote, "receive", receive)
    with pytest.raises(KeyboardInterrupt):
        copies.fetch(second, print)
    assert not [path for path in second.folder.iterdir() if not path.name.startswith(".")]
    assert copies.fetch(second, print)
    assert second.sound()
    assert received == ["manifest.json", "a.txt", "w", "manifest.json", "w"]


def test_a_host_that_answers_late_is_one_line(effbench, suite, monkeypatch) -> None:
    fsspec.register_implementation("slow", Slow, clobber=True)
    monkeypatch.setattr(Slow, "seconds", 30.0)
    monkeypatch.setattr(remote, "PATIENCE_S", 0.05)
    found = effbench("run", suite(TOYS), "--cache", "slow://bucket")
    assert found.exit_code == 2
    assert "Error: slow://bucket: no answer in 0.05 s (is the address" in found.stderr


def test_a_host_that_stops_answering_is_asked_once_and_then_left_alone(
    tmp_path: Path, monkeypatch
) -> None:
    fsspec.register_implementation("slow", Slow, clobber=True)
    copies, artifact = Mirror(Remote("slow://bucket")), made(Store(tmp_path))
    notes: list[str] = []
    assert not copies.fetch(artifact, notes.append)
    monkeypatch.setattr(Slow, "seconds", 30.0)
    monkeypatch.setattr(remote, "PATIENCE_S", 0.05)
    for _ in range(3):
        copies.push(artifact, notes.append)
    (line,) = notes
    assert line.startswith("slow://bucket: no answer in 0.05 s")
    assert line.endswith("; no copying to it for 10 minutes, the run goes on")
    monkeypatch.setattr(Slow, "seconds", 0.0)
    monkeypatch.setattr(remote, "PATIENCE_S", 60.0)
    assert not copies.fetch(artifact, notes.append)  # fetching goes on
    copies._pauses.clear()  # as if ten minutes had gone
    copies.push(artifact, notes.append)
    assert copies.fetch(artifact, notes.append)
    assert len(notes) == 1


class Gone(MemoryFileSystem):
    """A file system that refuses each question from the moment that ``after`` is negative."""

    protocol = "gone"
    after = 0
    refused = ("cat_file", "open")
    store: dict[str, Any] = {}  # noqa: RUF012 - as in the base class
    pseudo_dirs = [""]  # noqa: RUF012

    def _question(self, name: str) -> None:
        if name in self.refused:
            Gone.after -= 1
            if Gone.after < 0:
                raise ConnectionResetError(f"{name} refused")

    def cat_file(self, path: str, *arguments: Any, **options: Any) -> bytes:
        self._question("cat_file")
        return super().cat_file(path, *arguments, **options)

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        self._question("open for writing" if "w" in mode else "open")
        return super().open(path, mode, **options)


@pytest.mark.parametrize("after", [0, 4, 25])
def test_a_run_goes_on_without_an_address_that_goes_away(
    run, after: int, tmp_path: Path, monkeypatch
) -> None:
    fsspec.register_implementation("gone", Gone, clobber=True)
    monkeypatch.setattr(Gone, "after", after)
    monkeypatch.setattr(Gone, "store", {})
    found = run(TOYS, "--cache", "gone://bucket", "--results", tmp_path / "results-gone")
    assert found.exit_code == 0, found.output
    assert "the run goes on" in found.stderr
    assert found.stderr.count(" refused") <= 2  # one line for fetching, one for pushing
    run(TOYS, "--results", tmp_path / "results-plain")
    assert scores(tmp_path, "gone") == scores(tmp_path, "plain") != {}


def test_an_address_that_is_only_read_gives_its_copies(machine, tmp_path, monkeypatch) -> None:
    machine("first")
    lost = min(tmp_path.glob("remote/run/*/copy"))
    lost.unlink()
    run_file = min(tmp_path.glob("remote/encode/*/*/*.npy"))
    run_file.write_bytes(b"damaged")

    def refuse(*_: Any) -> None:
        raise remote.RefusedError("file: read-only (take another)")

    for name in ("write", "send", "remove"):
        monkeypatch.setattr(Remote, name, refuse)
    found = machine("second")
    assert found.exit_code == 0, found.output
    assert steps_made(found) == 2
    assert scores(tmp_path, "second") == scores(tmp_path, "first")


@pytest.mark.parametrize("content", [b"", b"../../../precious", b"..", b"0" * 32, b"\xff\n"])
def test_a_wrong_name_of_a_copy_touches_nothing_else(tmp_path: Path, content: bytes) -> None:
    copies = Mirror(Remote(f"file://{tmp_path}/remote"))
    first = made(Store(tmp_path / "first"))
    precious = [tmp_path / "precious" / "x", tmp_path / "second" / "run" / "x"]
    for path in precious:
        path.parent.mkdir(parents=True)
        path.write_text("x")
    copies.push(first, print)
    (pointer,) = tmp_path.glob("remote/run/*/copy")
    pointer.write_bytes(content)
    second = Store(tmp_path / "second").artifact("run", "k" * 32)
    second.folder.mkdir(parents=True)
    assert not copies.fetch(second, print)
    assert all(path.exists() for path in precious)
    copies.push(first, print)
    assert copies.fetch(second, print)
    assert second.sound()


def test_the_copy_of_another_step_is_made_again(tmp_path: Path) -> None:
    copies = Mirror(Remote(f"file://{tmp_path}/remote"))
    copies.push(made(Store(tmp_path / "first")), print)
    (tmp_path / "remote" / "run" / ("k" * 32)).rename(tmp_path / "remote" / "run" / ("m" * 32))
    second = Store(tmp_path / "second").artifact("run", "m" * 32)
    second.folder.mkdir(parents=True)
    notes: list[str] = []
    assert not copies.fetch(second, notes.append)
    assert "lost or damaged, making it again" in notes[0]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nowhere://bucket", "nowhere://bucket: Protocol not known: nowhere (see to"),
        ("file:///proc/no/such", "file:///proc/no/such: "),
    ],
)
def test_a_wrong_address_is_one_line(effbench, suite, address: str, message: str) -> None:
    found = effbench("run", suite(TOYS), "--cache", address)
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert line.startswith(f"Error: {message}")
    assert line.endswith(")")


def test_an_address_is_no_folder_of_a_machine(effbench) -> None:
    found = effbench("cache", "free", "--cache", "s3://bucket/folder")
    assert found.exit_code == 2
    assert "s3://bucket/folder is an address (name the folder of a machine)" in found.stderr
