"""The command ``effbench leaderboard``: shows leaderboards, and writes them in all formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from effbench.api.errors import EffbenchError
from effbench.cli.budget import Asked, answer, check_form, row_options
from effbench.cli.options import Place, columns_option, forgive_option, leave, misses
from effbench.text.printing import put, say

if TYPE_CHECKING:
    from effbench.board.candidates import Terms
    from effbench.board.leaderboard import Board
    from effbench.views.tables import Table

ENDINGS = {
    ".html": "html", ".md": "markdown", ".csv": "csv", ".json": "json", ".tex": "latex",
    ".svg": "svg", ".png": "png", ".pdf": "pdf",
}  # fmt: skip

FOR_PEOPLE = ("table", "markdown", "latex")
"""Formats in which the machines of a suite share one table of quality."""

PICTURES = ("html", "svg", "png", "pdf", "mteb")
"""Formats that are not tables: --columns does not apply to them."""


class Paper(NamedTuple):
    """What a table shows, and its caption and label in LaTeX."""

    columns: Sequence[str]
    caption: str | None
    label: str | None


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
    help="[default: by the ending of --output, else table]",
)
@click.option("--output", type=Place(), help="Write to this file (for mteb: to this folder).")
@click.option(
    "--published",
    multiple=True,
    type=Place(exists=True, file_okay=False),
    help="Add rows of scores from this folder of mteb result files (repeatable).",
)
@click.option("--suite", metavar="NAME", help="Show only this suite.")
@click.option("--machine", metavar="NAME", help="Show only this machine.")
@row_options
@click.option(
    "--span",
    default="end to end",
    show_default=True,
    help="The span of latency for --budget, --keep and charts; rows without it are left out.",
)
@columns_option
@click.option(
    "--baseline",
    metavar="ROW",
    help="The row to which kept, p and speed-up compare [default: the suite's baseline].",
)
@click.option("--caption", metavar="LATEX", help="The caption of a table in LaTeX.")
@click.option("--label", metavar="NAME", help="The label of a table in LaTeX.")
@click.option(
    "--percentile",
    type=click.Choice(["50", "95"]),
    default="50",
    show_default=True,
    help="The percentile of latency for --budget, --keep and charts.",
)
@forgive_option
def leaderboard(
    results: tuple[Path, ...],
    form: str | None,
    output: Path | None,
    published: tuple[Path, ...],
    suite: str | None,
    machine: str | None,
    asked: Asked,
    span: str,
    percentile: str,
    columns: tuple[str, ...],
    baseline: str | None,
    caption: str | None,
    label: str | None,
    forgive_expected: bool,
) -> None:
    """Show a leaderboard for each suite and machine under RESULTS.

    Several folders are read as one: if two records are of the same cell, the newer one counts.
    Exit code 0: shown; 1: a record could not be read and is left out, or a score is not as
    expected (each is named); 2: a mistake in the command; 3: with --format json, the answer to
    --budget, --keep or --rate is not sure, or there is none.
    """
    terms, demand = asked.terms(span, percentile), asked.demand()
    if asked.row:
        check_form(form, output, columns)
    form = _form(form, output, columns)
    if form != "latex" and (caption or label):
        raise click.UsageError(f"--caption and --label are for latex (and this is {form})")
    shown = chosen_boards(results, published, suite, machine, baseline)
    code = 0
    if asked.row:
        code = answer(shown, terms, demand, as_json=form == "json")
    else:
        _write(shown, form, output, terms, Paper(columns, caption, label))
    unreadable = dict.fromkeys(reason for board in shown for reason in board.unreadable)
    say(*(f"left out: {reason}" for reason in unreadable), err=True)
    missed = misses(shown, forgiven=forgive_expected)
    leave(failed=missed or bool(unreadable), code=code)


def _form(form: str | None, output: Path | None, columns: Sequence[str]) -> str:
    """Return the format to write; refuse an output or columns that do not fit it."""
    form = form or (ENDINGS.get(output.suffix, "table") if output else "table")
    if form == "table" and output:
        raise click.UsageError(
            f"--output {output}: in which format? (give --format, or a name that ends in "
            f"{', '.join(ENDINGS)})"
        )
    if columns and form in PICTURES:
        raise click.UsageError(
            f"--columns chooses columns of a table, and {form} is not a table (leave it out)"
        )
    if form in ("png", "pdf", "mteb") and not output:
        raise click.UsageError(f"--format {form} is not for a terminal (give --output too)")
    if output and output.is_dir() != (form == "mteb") and output.exists():
        is_it, writes = ("a file", "a folder") if form == "mteb" else ("a folder", "a file")
        raise click.UsageError(
            f"--output {output}: this is {is_it}, and {form} writes {writes} (name another)"
        )
    return form


def chosen_boards(
    results: Sequence[Path],
    published: Sequence[Path],
    suite: str | None,
    machine: str | None,
    baseline: str | None,
) -> list[Board]:
    """Return the boards of a suite on a machine (None: all of them), with this baseline."""
    from effbench.board.leaderboard import boards
    from effbench.views.selection import with_baseline

    known = boards(results, published)
    chosen = [
        board
        for board in known
        if suite in (None, board.suite) and machine in (None, board.machine)
    ]
    if not chosen:
        problem = f"no results of {suite or 'any suite'} on {machine or 'any machine'}"
        raise EffbenchError(f"{problem} (known: {_names(known)})")
    return chosen if baseline is None else with_baseline(chosen, baseline)


def _names(boards: Sequence[Board]) -> str:
    return ", ".join(f"{board.suite} on {board.machine}" for board in boards)


def _write(
    boards: Sequence[Board],
    form: str,
    output: Path | None,
    terms: Terms,
    paper: Paper,
) -> None:
    """Print the boards, or write them to ``output``."""
    from effbench.board.mteb_files import write_results
    from effbench.store.disk import write_output
    from effbench.views.layout import show

    if form == "table":
        show(_tables(boards, form, paper.columns))
        return
    if form == "mteb" and output:
        done = [record for board in boards for record in board.collected.done]
        if not done:
            raise EffbenchError(
                "no cell is done: there is nothing to write (run the suite again)"
            )
        say(f"{write_results(done, output)} result files in {output}", err=True)
        return
    drawn = _drawn(boards, form, terms, paper)
    if output:
        write_output(output, drawn if isinstance(drawn, bytes) else drawn.encode())
    else:
        put(str(drawn))


def _drawn(boards: Sequence[Board], form: str, terms: Terms, paper: Paper) -> str | bytes:
    """Return the boards in a format that is neither table nor mteb."""
    from effbench.views import latex, page, render

    if form == "html":
        return page.html(boards)
    if form in ("svg", "png", "pdf"):
        if len(boards) > 1:
            raise EffbenchError(
                f"--format {form} holds one chart, and there are {len(boards)} "
                f"(choose with --suite and --machine: {_names(boards)})"
            )
        return page.image(boards[0], terms.span, terms.percent, form)
    tables = _tables(boards, form, paper.columns)
    if form == "latex":
        return latex.latex(tables, paper.caption, paper.label)
    return render.FORMATS[form](tables)


def _tables(boards: Sequence[Board], form: str, columns: Sequence[str]) -> list[Table]:
    """Return the boards as tables with the columns that the user chose; empty: all columns."""
    from effbench.views import machines
    from effbench.views.selection import check, select
    from effbench.views.tables import table

    for_people = form in FOR_PEOPLE
    tables = machines.tables(boards) if for_people else [table(board) for board in boards]
    check(columns, (name for table in tables for name in table.columns))
    return select(tables, columns)
