"""Room on disks: what will not fit is refused before any work."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from effbench.store import space
from effbench.store.artifacts import Artifact
from made_costs import COSTLY, OTHER, costs, finished

pytestmark = pytest.mark.usefixtures("here")


Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch):
    """Let each disk have so many bytes free."""

    def full(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12 - free, free))

    return full


def test_what_no_record_needs_refuses_no_run(effbench, suite, disk) -> None:
    path = suite(COSTLY)
    finished(effbench("run", path))
    shutil.rmtree("cache/encode")
    disk(10_000)
    finished(effbench("run", path))
    shutil.rmtree("results")
    assert effbench("run", path).exit_code == 2, "its records tell the width of the vectors"


def test_a_run_that_will_not_fit_is_refused_before_any_work(effbench, suite, disk) -> None:
    finished(effbench("run", suite(COSTLY)))
    before = sorted(Path().rglob("*"))
    disk(230_000)
    other = suite(OTHER, "suite.yaml")
    found = effbench("run", other)
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert line == (
        f"Error: {Path.cwd()}/cache: what is left to be made takes at least "
        "240 kB there, and 230 kB are free (name another disk with --cache, free some with "
        "effbench cache, or take fewer rows)"
    )
    assert effbench("latency", other).exit_code == 2
    assert sorted(Path().rglob("*")) == before
    disk(10**9)
    assert effbench("run", other, "--only", "scan").exit_code == 0
    disk(230_000)
    assert effbench("run", other, "--only", "scan").exit_code == 0, "nothing is left of it"


def test_a_disk_that_does_not_count_refuses_nothing(effbench, suite, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 0))
    assert costs(effbench, suite(COSTLY))["free_bytes"] is None
    finished(effbench("run", suite(COSTLY)))


@pytest.mark.parametrize(("user", "code"), [(0, 0), (1000, 2)])
def test_root_may_fill_what_disks_keep_for_it(
    effbench, suite, monkeypatch, user: int, code: int
) -> None:
    monkeypatch.setattr(space.os, "geteuid", lambda: user)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**11, 0))
    assert costs(effbench, suite(COSTLY))["free_bytes"] == 0
    assert effbench("run", suite(COSTLY)).exit_code == code


def test_what_another_run_puts_away_meanwhile_hides_no_other_part(tmp_path: Path) -> None:
    (tmp_path / "00000.npy").write_bytes(bytes(1000))
    (tmp_path / ".ab.part.npy").symlink_to("gone")

    class Gone(type(tmp_path)):  # type: ignore[misc]
        def is_file(self) -> bool:
            return self.name.startswith(".") or super().is_file()

    assert Artifact(Gone(tmp_path)).size_of_parts() == 1000


def test_an_export_that_will_not_fit_is_refused(effbench, suite, disk) -> None:
    path = suite(COSTLY)
    finished(effbench("run", path))
    for kind in ("model", "queries"):
        shutil.rmtree(Path("cache", kind))
    disk(100_000)
    found = effbench("export", path, "table", "out")
    assert found.exit_code == 2
    assert "takes at least 155 kB there, and 100 kB are free" in found.stderr
    assert not Path("out").exists()


def test_results_that_will_not_fit_are_refused(effbench, suite, disk) -> None:
    disk(4_000)
    found = effbench("run", suite(COSTLY), "--results", "results")
    assert found.exit_code == 2
    assert (
        "what is left to be made takes at least 7.2 kB there, and 4.0 kB are f" in found.stderr
    )
    disk(8_000)
    found = effbench("run", suite(COSTLY), "--results", "results")
    assert found.exit_code == 1, "no guess refuses a run"
    sizes = [path.stat().st_size for path in Path("results").rglob("toy--*.json")]
    assert len(sizes) == 3


def test_an_encoding_that_will_not_fit_ends_at_once(effbench, suite, disk) -> None:
    disk(100_000)
    found = effbench("run", suite(COSTLY), "--only", "words")
    assert found.exit_code == 1
    assert "FAILED toy--words--plain" in found.stderr
    assert "what is left to be made takes at least 155 kB there" in found.stderr
    assert not list(Path("cache").glob("encode/*/*.npy"))
    disk(10**9)
    assert effbench("run", suite(COSTLY), "--only", "words").exit_code == 0
