"""The command ``effbench verify``: checks results that someone sends."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from effbench.cli.options import Place, as_json_option, leave
from effbench.text.printing import put_json, say


@click.command()
@click.argument("folder", metavar="RESULTS", type=Place(exists=True, file_okay=False))
@click.option(
    "--pack",
    type=Place(exists=True, dir_okay=False),
    metavar="FILE",
    help="Also check that keys, scores and sessions are those of this pack.",
)
@as_json_option
def verify(folder: Path, pack: Path | None, as_json: bool) -> None:
    """Check the records and latency sessions in RESULTS, and say what could not be checked.

    Nobody can prove by files that a machine measured them: the checks find what is damaged,
    changed by hand, of another protocol or pack, or faster than its machine can be. Exit code
    0: nothing is refused; 1: something is; 2: a mistake in the command.
    """
    from effbench.sharing.opening import opened_pack
    from effbench.sharing.verification import verify as verify_results

    with opened_pack(pack.absolute()) if pack else nullcontext() as packed:
        report = verify_results(folder, packed)
    if as_json:
        put_json(report.facts())
    else:
        say(*(f"checked: {check} ({count:,})" for check, count in report.checked.items()))
        say(
            *(
                f"not checked: {what} ({count:,})"
                for what, count in report.unchecked.items()
                if count
            )
        )
        say(*(f"REFUSED {line}" for line in report.refused))
        say("nothing is refused" if not report.refused else f"{len(report.refused)} refused")
    leave(failed=bool(report.refused))
