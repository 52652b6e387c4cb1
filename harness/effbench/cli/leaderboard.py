"""The command that draws leaderboards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from effbench.api.errors import EffbenchError
from effbench.cli.options import Place, columns_option, forgive_option, leave, misses
from effbench.text.printing import put, say

if TYPE_CHECKING:
    from effbench.board.choice import Terms
    from effbench.board.leaderboard import Board
    from effbench.views.tables import Table

ENDINGS = {
    ".html": "html", ".md": "markdown", ".csv": "csv", ".json": "json", ".tex": "latex",
    ".svg": "svg", ".png": "png",
}  # fmt: skip

PICTURES = ("html", "svg", "png", "mteb")
"""Formats that are no table whose columns one could choose."""


@click.command()
@click.argument(
    "results",
    nargs=-1,
    required=True,
    type=Place(exists=True, file_okay=False),
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", *ENDINGS.values(), "mteb"]),
    help="[default: what --output ends in, else table]",
)
@click.option("--output", type=Place(), help="Write to a file; of mteb to a folder.")
@click.option(
    "--published",
    multiple=True,
    type=Place(exists=True, file_okay=False),
    help="Result files of mteb, as further rows of scores alone (repeatable).",
)
@click.option("--suite", metavar="NAME", help="This one only.")
@click.option("--machine", metavar="NAME", help="This one only.")
@click.option(
    "--budget",
    metavar="TIME",
    help="Name the best row that takes no longer: 5ms, 800us or 0.2s; without a unit ms.",
)
@click.option(
    "--keep",
    metavar="SHARE",
    help="Name the fastest row that keeps this share of the baseline's quality: 0.97 or 97%.",
)
@click.option(
    "--span",
    default="end to end",
    show_default=True,
    help="The latency of --budget, svg and png; rows without it are named and left out.",
)
@columns_option
@click.option(
    "--baseline",
    metavar="ROW",
    help="What kept, p and speed-ups are over [default: the suite's baseline].",
)
@click.option("--percentile", type=click.Choice(["50", "95"]), default="50", show_default=True)
@forgive_option
def leaderboard(
    results: tuple[Path, ...],
    form: str | None,
    output: Path | None,
    published: tuple[Path, ...],
    suite: str | None,
    machine: str | None,
    budget: str | None,
    keep: str | None,
    span: str,
    percentile: str,
    columns: tuple[str, ...],
    baseline: str | None,
    forgive_expected: bool,
) -> None:
    """Show the leaderboard of all suites under RESULTS, machines apart.

    Several folders are put together: of two records of one cell the newer one counts. Exit code
    0: shown; 1: shown without what could not be read, or with a score that is not as expected:
    both are named; 2: a mistake; 3: --budget or --keep with --format json has an answer that is
    not sure, or none.
    """
    from effbench.board.leaderboard import boards
    from effbench.cli import choice
    from effbench.views.selection import over

    terms = choice.terms_of(budget, keep, span, percentile)
    asked = terms.budget is not None or terms.keep is not None
    if asked:
        choice.check_form(form, output, columns)
    form = _form(form, output, columns)
    found = _asked_for(boards(results, published), suite, machine)
    if baseline is not None:
        found = over(found, baseline)
    code = 0
    if asked:
        code = choice.answer(found, terms, as_json=form == "json")
    else:
        _write(found, form, output, terms, columns)
    unreadable = dict.fromkeys(what for one in found for what in one.unreadable)
    say(*(f"left out: {what}" for what in unreadable), err=True)
    missed = misses(found, forgiven=forgive_expected)
    leave(failed=missed or bool(unreadable), code=code)


def _form(form: str | None, output: Path | None, columns: Sequence[str]) -> str:
    """Return the format that is asked for; refuse an output that cannot be in it."""
    form = form or (ENDINGS.get(output.suffix, "table") if output else "table")
    if form == "table" and output:
        raise click.UsageError(
            f"--output {output}: in which format? (give --format, or a name that ends in "
            f"{', '.join(ENDINGS)})"
        )
    if columns and form in PICTURES:
        raise click.UsageError(f"--columns are a table's, and {form} is none (leave them out)")
    if form in ("png", "mteb") and not output:
        raise click.UsageError(f"--format {form} is not for a terminal (give --output too)")
    if output and output.is_dir() != (form == "mteb") and output.exists():
        is_it, writes = ("a file", "a folder") if form == "mteb" else ("a folder", "a file")
        raise click.UsageError(
            f"--output {output}: this is {is_it}, and {form} writes {writes} (name another)"
        )
    return form


def _asked_for(every: list[Board], suite: str | None, machine: str | None) -> list[Board]:
    found = [
        one for one in every if suite in (None, one.suite) and machine in (None, one.machine)
    ]
    if not found:
        said = f"no results of {suite or 'any suite'} on {machine or 'any machine'}"
        known = ", ".join(f"{one.suite} on {one.machine}" for one in every)
        raise EffbenchError(f"{said} (known: {known})")
    return found


def _write(
    found: Sequence[Board],
    form: str,
    output: Path | None,
    terms: Terms,
    columns: Sequence[str],
) -> None:
    from effbench.board.mteb_files import write_results
    from effbench.store.disk import write_output
    from effbench.views.layout import show

    if form == "table":
        show(_tables(found, columns))
        return
    if form == "mteb" and output:
        done = [record for one in found for record in one.collected.done]
        if not done:
            raise EffbenchError(
                "no cell is done: there is nothing to write (run the suite again)"
            )
        say(f"{write_results(done, output)} result files in {output}", err=True)
        return
    drawn = _drawn(found, form, terms, columns)
    if output:
        write_output(output, drawn if isinstance(drawn, bytes) else drawn.encode())
    else:
        put(str(drawn))


def _drawn(
    found: Sequence[Board], form: str, terms: Terms, columns: Sequence[str]
) -> str | bytes:
    from effbench.views import page, render

    if form == "html":
        return page.html(found)
    if form in ("svg", "png"):
        if len(found) > 1:
            names = ", ".join(f"{one.suite} on {one.machine}" for one in found)
            raise EffbenchError(
                f"--format {form} holds one chart, and there are {len(found)} "
                f"(choose with --suite and --machine: {names})"
            )
        return page.image(found[0], terms.span, terms.percent, form)
    return render.FORMATS[form](_tables(found, columns))


def _tables(found: Sequence[Board], columns: Sequence[str]) -> list[Table]:
    from effbench.views.selection import check, select
    from effbench.views.tables import table

    every = [table(one) for one in found]
    check(columns, (name for one in every for name in one.columns))
    return select(every, columns)
