"""Data that changes after the plan is refused: what is kept is what its key says."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from altered import altered
from effbench.run import runner as effbench_run

DOCS = {"d1": "red apples", "d2": "green pears", "d3": "blue whales"}
QUERIES = {"q1": "red apples", "q2": "blue whales"}


def lines(texts: dict[str, str]) -> str:
    return "".join(json.dumps({"_id": i, "text": text}) + "\n" for i, text in texts.items())


FILES = {
    "corpus.jsonl": lines(DOCS),
    "queries.jsonl": lines(QUERIES),
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td3\t1\n",
    "collection.tsv": "".join(f"{i}\t{text}\n" for i, text in DOCS.items()),
    "queries.tsv": "".join(f"{i}\t{text}\n" for i, text in QUERIES.items()),
    "qrels.txt": "q1 0 d1 1\nq2 0 d3 1\n",
}
FOLDER = "{use: folder, path: data}"
ZIP = "{use: folder, path: data.zip}"
MSMARCO = (
    "{use: msmarco, collection: data/collection.tsv, queries: data/queries.tsv, "
    "qrels: data/qrels.txt}"
)
CUT = "{use: cut, dataset: {use: folder, path: data}, docs: 3}"


def write(root: Path, files: dict[str, str]) -> None:
    with zipfile.ZipFile(root / "data.zip", "w") as archive:
        for name, text in files.items():
            (root / "data" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "data" / name).write_text(text)
            archive.writestr(name, text)


@pytest.fixture
def run(effbench, suite, tmp_path: Path, monkeypatch):
    """Run a suite of one dataset, whose files change when it has been planned."""
    write(tmp_path, FILES)
    started = effbench_run.run

    def run(dataset: str, change: Callable[[], object], rows: str = "{scan: {use: scan}}"):
        text = f"suite: s\ndatasets: [{dataset}]\nretrievers: {rows}\nlatency: false\n"
        path = suite(text)

        def change_then_run(*arguments, **options):
            change()
            return started(*arguments, **options)

        monkeypatch.setattr(effbench_run, "run", change_then_run)
        return effbench("run", path, "--results", tmp_path / "results")

    return run


@pytest.mark.parametrize(
    ("dataset", "name", "old", "new"),
    [
        (FOLDER, "corpus.jsonl", "red apples", "old things"),
        (FOLDER, "queries.jsonl", "red apples", "green pears"),
        (FOLDER, "qrels/test.tsv", "q1\td1", "q1\td2"),
        (ZIP, "corpus.jsonl", "red apples", "old things"),
        (MSMARCO, "collection.tsv", "red apples", "old things"),
        (MSMARCO, "qrels.txt", "q1 0 d1", "q1 0 d2"),
        (CUT, "corpus.jsonl", "red apples", "old things"),
    ],
)
def test_it_is_refused_and_nothing_of_it_is_kept(
    run, tmp_path: Path, dataset: str, name: str, old: str, new: str
) -> None:
    changed = FILES | {name: altered(FILES[name], old, new)}
    found = run(dataset, lambda: write(tmp_path, changed))
    assert found.exit_code == 1
    assert "its data has changed since the plan (run again)" in found.stderr
    write(tmp_path, FILES)
    assert run(dataset, lambda: None).exit_code == 0
    (path,) = tmp_path.glob("results/*/s/*--scan.json")
    assert json.loads(path.read_text())["scores"]["RR@10"] == 1


def test_files_that_are_written_anew_and_say_the_same_have_not_changed(run, tmp_path) -> None:
    def again() -> None:
        write(tmp_path, FILES)
        os.utime(tmp_path / "data" / "corpus.jsonl", (1, 1))

    found = run(FOLDER, again)
    assert found.exit_code == 0, found.stderr


def test_a_change_while_it_is_read_is_seen(run, tmp_path: Path, monkeypatch) -> None:
    import effbench_beir.folder as folder

    real = folder.read_docs

    def read_and_change(path, stream):
        yield from real(path, stream)
        with (tmp_path / "data" / "corpus.jsonl").open("a") as file:
            file.write(lines({"d4": "yellow bananas"}))

    monkeypatch.setattr(folder, "read_docs", read_and_change)
    found = run(FOLDER, lambda: None)
    assert found.exit_code == 1
    assert "its data has changed since the plan" in found.stderr
