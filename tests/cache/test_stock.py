"""What lies in a store: downloads, links, dates of wrong clocks."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace

from made_cache import folders


def test_downloads_are_shown_and_stay(effbench, rerun, tmp_path: Path) -> None:
    rerun()
    archive = tmp_path / "cache" / "beir" / "scifact.zip"
    archive.parent.mkdir()
    archive.write_bytes(bytes(3_000_000))
    assert f"downloads in {archive.parent}: 3.0 MB" in effbench("cache").stdout
    effbench("cache", "free", "--to", "0B", "--yes")
    assert archive.exists()
    assert not folders(tmp_path / "cache")


def test_an_artifact_that_is_a_link_is_named_and_stays(
    effbench, rerun, held, tmp_path: Path
) -> None:
    rerun()
    (folder,) = folders(tmp_path / "cache", "retriever")
    moved = folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(moved)
    found = effbench("cache", "free", "--to", "0B", "--yes")
    assert found.exit_code == 1
    assert f"{folder}: is a link (remove it and what it leads to yourself)" in found.stderr
    assert "freed 10 steps" in found.stdout
    assert [one["kind"] for one in held()] == ["retriever"]
    assert (moved / "manifest.json").exists()


def test_dates_of_wrong_clocks(effbench, rerun, held, tmp_path: Path, monkeypatch) -> None:
    rerun()
    stat = Path.stat

    def wrong(path: Path, **options: bool) -> object:
        found = stat(path, **options)
        seconds = {"encode": 10**12, "run": -(10**12)}.get(path.parent.parent.name)
        return found if seconds is None else SimpleNamespace(st_mtime=seconds)

    monkeypatch.setattr(Path, "stat", wrong)
    days = {one["kind"]: one["last_used"][:4] for one in held()}
    assert days["encode"] == str(datetime.now(timezone.utc).year)
    assert effbench("cache").exit_code == 0
    assert effbench("cache", "free", "--older-than", "1d").exit_code == 0
