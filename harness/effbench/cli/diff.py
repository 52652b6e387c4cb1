"""The command that says what moved between two folders of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from effbench.cli.options import Place, as_json_option, leave
from effbench.text.printing import put_json, say
from effbench.text.words import counted

if TYPE_CHECKING:
    from effbench.board.changes import Changes

_folder = Place(exists=True, file_okay=False)


@click.command()
@click.argument("old", type=_folder)
@click.argument("new", type=_folder)
@click.option(
    "--require-latency",
    is_flag=True,
    help="Exit code 1 too where a time in OLD could not be compared with NEW.",
)
@as_json_option
def diff(old: Path, new: Path, require_latency: bool, as_json: bool) -> None:
    """Show what moved beyond noise from the results OLD to NEW, and what cannot be compared.

    Scores are compared query by query (randomisation test, Holm's correction), median times on
    one machine by their intervals and 15 %, speed-ups over the baseline by theirs and 10 %.
    Marked latencies are not compared: of those, what moved by more than 3 times is said as
    perhaps worse or better.

    Exit code 0: nothing is worse; 1: something is, or could not be read; 2: a mistake.
    """
    from effbench.api.errors import EffbenchError
    from effbench.board.changes import changes
    from effbench.board.moves import grouped, named, suspected

    found = changes(old, new)
    unknown = list(grouped(found.uncompared))
    if not found.compared and not found.moved:
        reasons = (*found.remarks, *found.unreadable, *unknown)
        why = "; ".join(reasons) or "no cell is done in both"
        raise EffbenchError(f"{old} and {new} have nothing to compare ({why})")
    if as_json:
        facts = {
            "moved": [one.facts() for one in found.moved],
            "not_compared": [one.facts() for one in found.uncompared],
            "compared": found.compared,
            "remarks": [*found.remarks, *found.unreadable],
        }
        put_json(facts)
    else:
        say(*(one.line() for one in found.moved), *suspected(found.uncompared))
        say(_summed_up(found))
        say(*unknown)
        say(*found.remarks, *found.unreadable, err=True)
    missed = found.times_missed if require_latency else []
    if missed:
        say(f"--require-latency: not compared: {named(missed)}", err=True)
    worse = any(one.worse for one in found.moved)
    leave(failed=worse or bool(found.unreadable or missed))


def _summed_up(found: Changes) -> str:
    """Count the figures of each kind apart: none is counted twice."""
    figures = counted(found.compared, "figures")
    parts = [f"{figures} compared, {len(found.moved) - found.gone} moved beyond noise"]
    if found.uncompared:
        parts.append(f"{len(found.uncompared):,} could not be compared")
    if found.gone:
        parts.append(
            f"{counted(found.gone, 'cells')} {'is' if found.gone == 1 else 'are'} gone"
        )
    return "; ".join(parts)
