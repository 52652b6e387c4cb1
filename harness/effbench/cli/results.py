"""The command ``effbench results prune``: removes records that no suite needs any more."""

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
@click.option(
    "--yes/--dry-run",
    default=False,
    help="Remove the files, or only show them [default: --dry-run].",
)
@as_json_option
def prune(folder: Path, yes: bool, as_json: bool) -> None:
    """Remove records from RESULTS that are not in their suite any more, and their files.

    Their files are runs, texts of queries, and latency sessions that measured no cell of the
    suite. A file that cannot be read is named and stays. Exit code 1: a file cannot be read.
    """
    from effbench.board.pruning import remove, surplus

    unneeded = surplus(folder)
    nbytes = unneeded.nbytes
    if yes:
        remove(unneeded.files)
    if as_json:
        put_json(
            {
                "dry_run": not yes,
                "records": unneeded.records,
                "bytes": nbytes,
                "files": list(map(str, unneeded.files)),
                "unreadable": unneeded.unreadable,
            }
        )
    else:
        say(*map(str, unneeded.files))
        total = f"{counted(len(unneeded.files), 'files')}, {sized(nbytes)}"
        records = counted(unneeded.records, "records")
        if not unneeded.files:
            say("nothing to remove: each record that can be read is of its suite")
        elif yes:
            say(f"removed {total}, {records} among them")
        else:
            say(f"would remove {total}, {records} among them; now nothing is removed "
                "(give --yes)")  # fmt: skip
    say(*(f"left out: {reason}" for reason in unneeded.unreadable), err=True)
    leave(failed=bool(unneeded.unreadable))
