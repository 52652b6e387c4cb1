"""The command ``effbench ir-metadata``: writes records and runs with their metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from effbench.cli.options import Place, leave
from effbench.text.printing import say


@click.command("ir-metadata")
@click.argument("results", nargs=-1, required=True, type=Place(exists=True, file_okay=False))
@click.option("--output", required=True, type=Place(file_okay=False), help="Write here.")
@click.option("--suite", metavar="NAME", help="Write only this suite.")
@click.option("--machine", metavar="NAME", help="Write only this machine.")
@click.option(
    "--with",
    "given",
    metavar="FILE",
    type=Place(exists=True, dir_okay=False),
    help="A YAML file with what records do not hold: actor, venue, publication.",
)
def ir_metadata(
    results: tuple[Path, ...],
    output: Path,
    suite: str | None,
    machine: str | None,
    given: Path | None,
) -> None:
    """Write the records under RESULTS as ir_metadata, and their runs with it as a header.

    For each cell that is done, OUTPUT/MACHINE/SUITE/CELL.yml has its metadata, and CELL.trec
    its run, if that lies beside the record. Exit code 1: a record could not be read.
    """
    from effbench.api.errors import EffbenchError
    from effbench.board.ir_metadata import annotated, read_given
    from effbench.cli.leaderboard import chosen_boards
    from effbench.text.names import slug

    part: Mapping[str, Any] = read_given(given) if given else {}
    chosen = chosen_boards(results, (), suite, machine, None)
    written = runs = 0
    for board in chosen:
        for cell in annotated(board, part):
            folder = output / slug(board.machine) / slug(board.suite)
            _write(folder / f"{slug(cell.cell)}.yml", cell.metadata)
            written += 1
            if cell.run:
                _write_run(folder / f"{slug(cell.cell)}.trec", cell.run, cell.metadata)
                runs += 1
    if not written:
        raise EffbenchError("no cell is done: there is nothing to write (run the suite again)")
    say(f"{written} files of metadata and {runs} runs in {output}", err=True)
    unreadable = dict.fromkeys(reason for board in chosen for reason in board.unreadable)
    say(*(f"left out: {reason}" for reason in unreadable), err=True)
    leave(failed=bool(unreadable))


def _text(metadata: Mapping[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(dict(metadata), sort_keys=False, width=10**6)


def _write(path: Path, metadata: Mapping[str, Any]) -> None:
    from effbench.store.disk import write_output

    path.parent.mkdir(parents=True, exist_ok=True)
    write_output(path, _text(metadata).encode())


def _write_run(path: Path, run: Path, metadata: Mapping[str, Any]) -> None:
    """Write a run with its metadata as a header, and with its tag in the last column."""
    from effbench.store.disk import write_atomically
    from effbench.store.reading import read_lines
    from effbench.store.trec import HEADER_END, HEADER_START

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8") as file:
            header = (f"# {line}\n" for line in _text(metadata).splitlines())
            file.writelines((f"{HEADER_START}\n", *header, f"{HEADER_END}\n"))
            for _, line in read_lines(run):
                file.write(f"{line.rpartition(' ')[0]} {metadata['tag']}\n")

    write_atomically(path, write)
