"""The name of a machine: another computer of the same kind has another one."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from effbench.machine import facts
from made_suites import PLAIN

ID = "0123456789abcdef0123456789abcdef"


def system(folder: Path, machine_id: str) -> Path:
    (folder / "etc").mkdir(parents=True)
    (folder / "etc" / "machine-id").write_text(machine_id)
    return folder


def test_identity_is_that_of_the_system_and_does_not_give_it_away(tmp_path: Path) -> None:
    first = facts.identity(system(tmp_path / "a", f"{ID}\n"))
    assert facts.identity(system(tmp_path / "b", ID)) == first
    assert facts.identity(system(tmp_path / "c", ID[::-1])) != first
    assert len(first) == 12
    assert first not in ID


@pytest.mark.parametrize("kept", ["", "uninitialized\n", None])
def test_a_container_without_a_machine_id_is_known_by_its_host(
    kept: str | None, tmp_path: Path, monkeypatch
) -> None:
    def identity(host: str, folder: Path) -> str:
        monkeypatch.setattr(platform, "node", lambda: host)
        return facts.identity(folder if kept is None else system(folder, kept))

    assert identity("one", tmp_path / "a") != identity("two", tmp_path / "b")
    assert identity("one", tmp_path / "c") == identity("one", tmp_path / "d")


def test_two_machines_of_one_kind_have_folders_of_their_own(
    effbench, suite, tmp_path: Path, monkeypatch
) -> None:
    for name in ("first", "second"):
        monkeypatch.setattr(facts, "identity", lambda name=name: name)
        found = effbench("run", suite(PLAIN), "--results", tmp_path / "results")
        assert "0 finished already" in found.stderr
    assert len(list(tmp_path.glob("results/*/machine.json"))) == 2


def test_a_machine_may_be_named(effbench, suite, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("EFFBENCH_MACHINE", "nightly-2")
    effbench("run", suite(PLAIN), "--results", tmp_path / "results")
    assert [path.parent.name for path in tmp_path.glob("results/*/machine.json")] == [
        "nightly-2"
    ]


@pytest.mark.parametrize(
    "name", ["../up", "Upper", "a b", ".", "x" * 65, "-x", "published", "con"]
)
def test_a_name_that_is_no_folder_is_a_mistake(
    effbench, suite, name: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("EFFBENCH_MACHINE", name)
    found = effbench("run", suite(PLAIN), "--results", tmp_path / "results")
    assert found.exit_code == 2
    assert len(found.stderr.splitlines()) == 1
    assert "EFFBENCH_MACHINE" in found.stderr
    assert not list(tmp_path.glob("results/*"))
