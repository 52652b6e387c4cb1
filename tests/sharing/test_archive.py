"""An archive of a stranger is opened safely, or refused."""

from __future__ import annotations

import zipfile

import pytest


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "a\\out", "c:out", "a//b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(effbench, tmp_path, name) -> None:
    with zipfile.ZipFile(tmp_path / "q", "w") as pack:
        info = zipfile.ZipInfo("x")
        info.filename = name
        pack.writestr(info, "text")
    found = effbench("latency", "--pack", tmp_path / "q", "--results", tmp_path / "r")
    assert found.exit_code == 2
    assert "a name that leads out of the folder" in found.stderr
    assert not list(tmp_path.rglob("out"))


def test_links_bombs_and_other_files_are_refused(effbench, tmp_path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    bomb = zipfile.ZipInfo("bomb")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    for number, (info, reason) in enumerate(
        [
            (link, "'link': no plain file"),
            (bomb, "'bomb': is packed in another way than ours"),
            (zipfile.ZipInfo("a"), "it lacks pack.json"),
        ]
    ):
        path = tmp_path / f"{number}"
        with zipfile.ZipFile(path, "w") as pack:
            pack.writestr(info, "0" * 10_000)
        found = effbench("verify", tmp_path, "--pack", path)
        assert found.exit_code == 2
        assert reason in found.stderr
    (tmp_path / "text").write_text("no zip")
    found = effbench("latency", "--pack", tmp_path / "text", "--results", tmp_path / "r")
    assert "no pack of effbench" in found.stderr
