"""Exporting: what a row encodes with, as one folder that appears when it is whole."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import effbench_toy
import pytest

from altered import altered
from effbench import EffbenchError

SUITE = """\
suite: toys
datasets: [{use: toy}, {use: toy, name: other, docs: 40}]
models:
  table:
    use: table
    targets: {texts: [{queries: {use: toy}}], encoder: words}
encoders:
  words: {use: words}
  student: {use: table, model: table, passages: words}
  light: {use: words-queries, passages: words}
retrievers:
  scan: {use: scan}
indexes:
  plain: {use: plain}
latency: false
"""
OWN = altered(SUITE, "{queries: {use: toy}}", "{titles: target}")


@pytest.fixture
def export(effbench, suite, tmp_path: Path, monkeypatch):
    """Export a row of a suite's text to tmp_path/out; return what the toys noted too."""
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))

    def start(row: str, *options: str, text: str = SUITE):
        (tmp_path / "log").write_text("")
        found = effbench("export", suite(text), row, tmp_path / "out", *options)
        return found, (tmp_path / "log").read_text().splitlines()

    return start


def test_an_encoder_is_written_and_its_use_is_shown(export, tmp_path: Path) -> None:
    found, notes = export("words", "--device", "cuda:1")
    assert found.exit_code == 0, found.output
    assert (tmp_path / "out" / "width.txt").read_text() == "64"
    assert notes == ["made cuda:1"]
    assert f"SentenceTransformer({str(tmp_path / 'out')!r})" in found.stdout
    compile(found.stdout.partition("\n\n")[2], "printed", "exec")
    assert not list(tmp_path.glob(".*"))


def test_a_student_is_trained_once_and_comes_with_its_passages(export, tmp_path: Path) -> None:
    found, notes = export("student")
    assert found.exit_code == 0, found.output
    assert len([note for note in notes if note.startswith("trained")]) == 1
    (tmp_path / "out").rename(tmp_path / "first")
    (tmp_path / "out").mkdir()
    found, notes = export("student")
    assert found.exit_code == 0, found.output
    assert notes == ["made cpu"], "of the passages; nothing is trained"
    for folder in (tmp_path / "first", tmp_path / "out"):
        names = sorted(path.name for path in folder.rglob("*.*"))
        assert names == ["README.md", "table.npy", "width.txt"]


def test_code_in_the_folder_needs_trust(export, monkeypatch) -> None:
    def write(self, folder: Path, passages: Path | None) -> None:
        (folder / "own.py").write_text("")

    monkeypatch.setattr(effbench_toy.WordsEncoder, "export", write)
    assert ", trust_remote_code=True)" in export("words")[0].stdout


def test_the_printed_code_opens_the_folder_as_its_readme_does(export, monkeypatch) -> None:
    def write(self, folder: Path, passages: Path | None) -> None:
        line = 'model = SentenceTransformer("this folder", device="cpu")'
        (folder / "README.md").write_text(f"Use:\n\n{line}\n")

    monkeypatch.setattr(effbench_toy.WordsEncoder, "export", write)
    shown = export("words")[0].stdout
    assert ', device="cpu")\n' in shown
    compile(shown.partition("\n\n")[2], "printed", "exec")


def test_a_light_reader_needs_no_trust_and_is_shown(
    export, tmp_path: Path, monkeypatch
) -> None:
    def write(self, folder: Path, passages: Path | None) -> None:
        (folder / "reader.py").write_text("")

    assert "from reader import" not in export("words")[0].stdout
    shutil.rmtree(tmp_path / "out")
    monkeypatch.setattr(effbench_toy.WordsEncoder, "export", write)
    shown = export("words")[0].stdout
    assert "trust_remote_code" not in shown
    assert f"Encoder({str(tmp_path / 'out')!r}).encode" in shown
    compile(shown.partition("\n\n")[2], "printed", "exec")


def test_files_are_as_readable_as_the_umask_says(export, tmp_path: Path, monkeypatch) -> None:
    def write(self, folder: Path, passages: Path | None) -> None:
        (folder / "inside").mkdir(mode=0o700)
        for name in ("weights", "inside/weights"):  # as safetensors writes them
            os.close(os.open(folder / name, os.O_CREAT | os.O_WRONLY, 0o600))

    monkeypatch.setattr(effbench_toy.WordsEncoder, "export", write)
    for mask, file, directory in ((0o022, 0o644, 0o755), (0o027, 0o640, 0o750)):
        before = os.umask(mask)
        try:
            assert export("words")[0].exit_code == 0
        finally:
            os.umask(before)
        for one in (tmp_path / "out", *(tmp_path / "out").rglob("*")):
            wanted = directory if one.is_dir() else file
            assert stat.S_IMODE(one.stat().st_mode) == wanted, one
        shutil.rmtree(tmp_path / "out")


def test_a_row_that_each_dataset_has_its_own_of(export, tmp_path: Path) -> None:
    found, notes = export("student", text=OWN)
    assert (found.exit_code, notes) == (2, [])
    assert "(give --dataset, one of: toy, other)" in found.stderr
    assert "did you mean 'other'?" in export("student", "--dataset", "othr", text=OWN)[0].stderr
    found, notes = export("student", "--dataset", "other", text=OWN)
    assert found.exit_code == 0, found.output
    assert "trained on 40 texts of words, seed 0" in notes


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("studnt", "no row 'studnt' in this suite (did you mean 'student'?)"),
        ("scan", "'scan' is a retriever, which has no encoder to export (encoders: light,"),
        ("light", "encoder 'light' (plugin toy): 'words-queries' cannot be exported"),
    ],
)
def test_a_row_that_cannot_be_exported_is_one_line(
    export, tmp_path: Path, row: str, message: str
) -> None:
    found, _ = export(row)
    assert found.exit_code == 2
    assert message in found.stderr.splitlines()[-1]
    assert {path.name for path in tmp_path.iterdir()} <= {"suite.yaml", "log", "cache"}


def test_a_folder_that_holds_something_is_left_alone(export, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    found, notes = export("student")
    assert (found.exit_code, notes) == (2, [])
    assert f"{tmp_path / 'out'} is not empty (" in found.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_an_empty_folder_stays_what_it_is(export, tmp_path: Path) -> None:
    (folder := tmp_path / "out").mkdir(mode=0o700)
    before = folder.stat()
    assert export("words")[0].exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"README.md", "width.txt"}
    after = folder.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode), (
        "it may be a mount, a shell's place, or private"
    )


def test_a_folder_that_cannot_be_made_is_one_line(export, effbench, suite, tmp_path) -> None:
    (tmp_path / "file").touch()
    found = effbench("export", suite(SUITE), "words", tmp_path / "file" / "in")
    assert found.exit_code == 2
    assert "(name a folder that can be made)" in found.stderr


def test_a_failed_training_fails_the_export(export, tmp_path: Path) -> None:
    found, _ = export(
        "student", text=altered(SUITE, "use: table\n", "use: table\n    fail: true\n")
    )
    assert found.exit_code == 1
    assert "(plugin toy): the loss is not a number (lower learning_rate)" in found.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            EffbenchError("no room (make some)"),
            "Error: encoder 'words' (plugin toy): no room (make some)",
        ),
        (
            ModuleNotFoundError(name="st"),
            "'st' (pip install 'effbench[sentence-transformers]')",
        ),
    ],
)
def test_an_export_that_fails_leaves_nothing(
    export, tmp_path: Path, monkeypatch, error: Exception, said: str
) -> None:
    def write(self, folder: Path, passages: Path | None) -> None:
        (folder / "half").touch()
        raise error

    monkeypatch.setattr(effbench_toy.WordsEncoder, "export", write)
    found, _ = export("student")
    assert found.exit_code == 2
    assert said in found.stderr
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*"))
