"""The command that says what moved between two folders of results."""

from __future__ import annotations

from pathlib import Path

import click

from effbench.cli_options import Place, as_json_option, leave
from effbench.printing import put_json, say
from effbench.words import counted

_folder = Place(exists=True, file_okay=False)


@click.command()
@click.argument("old", type=_folder)
@click.argument("new", type=_folder)
@as_json_option
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Show what moved beyond noise from the results OLD to NEW: scores, speed-ups, lost cells.

    Scores are compared query by query (randomisation test, Holm's correction), speed-ups over
    the baseline by their intervals and 10 %. Exit code 0: nothing is worse; 1: something is, or
    could not be read; 2: a mistake.
    """
    from effbench.changes import changes
    from effbench.errors import EffbenchError

    found = changes(old, new)
    if not found.compared and not found.moved:
        why = "; ".join((*found.remarks, *found.unreadable)) or "no cell is done in both"
        raise EffbenchError(f"{old} and {new} have nothing to compare ({why})")
    if as_json:
        facts = {
            "moved": [one.facts() for one in found.moved],
            "compared": found.compared,
            "remarks": [*found.remarks, *found.unreadable],
        }
        put_json(facts)
    else:
        for one in found.moved:
            sign = "worse" if one.worse else "better"
            say(f"{sign:6} {one.suite} {one.where}: {one.what} {one.said}")
        say(f"{len(found.moved)} of {counted(found.compared, 'figures')} moved beyond noise")
        say(*found.remarks, *found.unreadable, err=True)
    worse = any(one.worse for one in found.moved) or bool(found.unreadable)
    leave(failed=worse)
