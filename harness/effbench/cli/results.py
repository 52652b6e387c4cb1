"""The command that tidies folders of results."""

from __future__ import annotations

from pathlib import Path

import click

from effbench.cli.options import Place, as_json_option, leave
from effbench.text.printing import put_json, say
from effbench.text.words import counted, sized


@click.group()
def results() -> None:
    """Tidy folders of results."""


@results.command()
@click.argument("folder", metavar="RESULTS", type=Place(exists=True, file_okay=False))
@click.option("--yes/--dry-run", default=False, help="Remove it; else it is only shown.")
@as_json_option
def prune(folder: Path, yes: bool, as_json: bool) -> None:
    """Remove from RESULTS the records that their suite has no more, and what belongs to them.

    That is runs, texts of queries, and latency sessions that measured none of the suite's
    cells. What cannot be read is named and stays. Exit code 1: some cannot be read.
    """
    from effbench.board.pruning import remove, surplus

    found = surplus(folder)
    nbytes = found.nbytes
    if yes:
        remove(found.files)
    if as_json:
        put_json(
            {
                "dry_run": not yes,
                "records": found.records,
                "bytes": nbytes,
                "files": list(map(str, found.files)),
                "unreadable": found.unreadable,
            }
        )
    else:
        say(*map(str, found.files))
        total = f"{counted(len(found.files), 'files')}, {sized(nbytes)}"
        records = counted(found.records, "records")
        if not found.files:
            say("nothing to remove: each record that can be read is of its suite")
        elif yes:
            say(f"removed {total}, {records} among them")
        else:
            say(f"would remove {total}, {records} among them; now nothing is removed "
                "(give --yes)")  # fmt: skip
    say(*(f"left out: {what}" for what in found.unreadable), err=True)
    leave(failed=bool(found.unreadable))
