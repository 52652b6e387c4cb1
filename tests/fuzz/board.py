"""Results of an honest suite, files of which are damaged one after the other, and its table."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from hypothesis import strategies as st

from effbench.store.disk import read_sealed
from made_sessions import write_session
from mutations import damaged, edited, edits, written
from trial import tried

SUITE = """\
suite: toys
datasets: [{use: toy, docs: 12}, {use: toy, name: more, docs: 8}]
measures: [nDCG@10, RR@10]
encoders: {words: {use: words}, typed: {use: typed, passages: words, words: 1}}
retrievers: {scan: {use: scan}}
indexes: {plain: {use: plain, search: {depth: [3, 8]}}}
latency: false
"""

FORMS = ["json"] * 30 + ["table", "markdown", "csv", "latex"] * 5 + ["svg"] * 3 + ["html"]
"""Formats of the leaderboard; the last two take longer."""


class Board:
    """A folder ``results`` with records and sessions, and what its honest rows score."""

    def __init__(self, folder: Path) -> None:
        from effbench.cli.commands import main

        self.root = folder / "results"
        (folder / "suite.yaml").write_text(SUITE)
        options = "--results", str(self.root), "--cache", str(folder / "cache")
        run = CliRunner().invoke
        made = run(main, ["run", str(folder / "suite.yaml"), *options])
        assert made.exit_code == 0, made.output
        (self.folder,) = self.root.glob("*/toys")
        paths = sorted(self.folder.glob("*.json"))
        self.records = {path: read_sealed(path) for path in paths}
        for dataset in ("toy", "more"):
            self._measure(dataset)
        shutil.copytree(self.root, folder / "before")
        self.before = folder / "before"
        self.table = lines(run(main, ["leaderboard", str(self.root), "--format", "json"]))

    def _measure(self, dataset: str) -> None:
        own = [p for p, record in self.records.items() if record.get("dataset") == dataset]
        keys = {path.stem: self.records[path]["key"] for path in own}
        ms = {
            cell: {"encode": [4.0 + i] * 9, "end to end": [5.0 + i] * 9}
            for i, cell in enumerate(sorted(keys, reverse=True))
        }
        timed = self.records[self.folder / "suite.json"]["latency"]["timed"]
        write_session(self.folder, dataset, ms, keys=keys, timed=timed, processes=3)

    @contextmanager
    def damaged(self, files: Mapping[Path, bytes | None]) -> Iterator[None]:
        """Put contents in the place of files, None for a folder, and the files back."""
        sound = {path: path.read_bytes() for path in files if path.is_file()}
        try:
            for path, content in files.items():
                path.unlink(missing_ok=True)
                path.mkdir() if content is None else path.write_bytes(content)
            yield
        finally:
            for path in files:
                path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
            for path, content in sound.items():
                path.write_bytes(content)


def lines(found: Result) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the lines of the leaderboards that a command printed, by row and search."""
    tables = json.loads(found.stdout)
    return {(line["row"], line["index"]): line for table in tables for line in table["lines"]}


def sealed(document: Any, *, plain: bool) -> bytes:
    """Return a record as a file whose checksum holds, if it is JSON."""
    content = written({**document, "sha256": "SEAL"}, plain=plain)
    with contextlib.suppress(ValueError, RecursionError):
        read = json.loads(content)
        del read["sha256"]
        seal = hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()
        content = content.replace(b'"SEAL"', b'"%s"' % seal.encode())
    return content


@st.composite
def damaged_records(
    draw: st.DrawFn, records: Mapping[Path, Mapping[str, Any]]
) -> dict[Path, bytes | None]:
    """Return files of records, all of which were damaged alike."""
    how = draw(st.sampled_from(["sealed"] * 12 + ["unsealed", "bytes", "bytes", "folder"]))
    made = draw(st.lists(edits(next(iter(records.values()))), min_size=1, max_size=3))
    plain = draw(st.booleans())
    files: dict[Path, bytes | None] = {}
    for path, record in records.items():
        if how == "bytes":
            files[path] = draw(damaged(path.read_bytes()))
        elif how == "folder":
            files[path] = None
        else:
            write = sealed if how == "sealed" else written
            files[path] = write(edited(record, made), plain=plain)
    return files


def looked(board: Board, command: str, form: str) -> Result:
    """Show what is there with one of the commands that read results."""
    root, mteb = board.root, board.root.parent / "mteb"
    arguments = {
        "leaderboard": ("leaderboard", root, "--format", form),
        "budget": ("leaderboard", root, "--budget", "6ms", "--keep", "0.5"),
        "mteb": ("leaderboard", root, "--format", "mteb", "--output", mteb),
        "diff": ("diff", board.before, root),
        "diff back": ("diff", root, board.before, "--json"),
        "compare": ("compare", "words", "typed", "--results", root),
        "show": ("show", "toy--typed--plain--depth=3", "--results", root),
    }
    return tried(*arguments[command])
