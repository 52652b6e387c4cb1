"""The command ``effbench diff``: shows which figures moved between two folders of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from effbench.cli.options import Place, as_json_option, leave
from effbench.text.printing import put, put_json, say

if TYPE_CHECKING:
    from effbench.board.changes import Changes

_folder = Place(exists=True, file_okay=False)


@click.command()
@click.argument("old", type=_folder)
@click.argument("new", type=_folder)
@click.option(
    "--require-latency",
    is_flag=True,
    help="Also end with exit code 1 if a time in OLD could not be compared with NEW.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    help="The format; markdown is a comment for a pull request [default: text].",
)
@as_json_option
def diff(old: Path, new: Path, require_latency: bool, form: str | None, as_json: bool) -> None:
    """Show the figures that moved beyond noise from results OLD to results NEW.

    Scores are compared query by query (randomisation test, Holm's correction). A median time on
    one machine has moved if it changed by more than 15 % and by more than its interval allows.
    For a speed-up over the baseline, the limit is 10 %. Marked latencies are not compared; if a
    marked latency changed by more than a factor of 3, it is shown as perhaps worse or better.
    Figures that cannot be compared are named.

    Exit code 0: no figure is worse; 1: a figure is worse, or a file could not be read; 2: a
    mistake in the command.
    """
    from effbench.api.errors import EffbenchError
    from effbench.board.changes import changes
    from effbench.board.moves import grouped, named, suspected
    from effbench.views.moved import markdown, summary

    moves = changes(old, new)
    unknown = list(grouped(moves.uncompared))
    missed = moves.times_missed if require_latency else []
    if not moves.compared and not moves.moved:
        reasons = (*moves.remarks, *moves.unreadable, *unknown)
        why = "; ".join(reasons) or "no cell is done in both"
        raise EffbenchError(f"{old} and {new} have nothing to compare ({why})")
    if as_json or form == "json":
        put_json(_facts(moves))
    elif form == "markdown":
        put(markdown(moves, missed))
    else:
        say(*(change.line() for change in moves.moved), *suspected(moves.uncompared))
        say(summary(moves))
        say(*unknown)
        say(*moves.remarks, *moves.unreadable, err=True)
    if missed:
        say(f"--require-latency: not compared: {named(missed)}", err=True)
    worse = any(change.worse for change in moves.moved)
    leave(failed=worse or bool(moves.unreadable or missed))


def _facts(moves: Changes) -> dict[str, Any]:
    """Return the changes as JSON can hold them."""
    return {
        "moved": [change.facts() for change in moves.moved],
        "not_compared": [figure.facts() for figure in moves.uncompared],
        "compared": moves.compared,
        "remarks": [*moves.remarks, *moves.unreadable],
    }
