"""The commands that read what runs have left, and make nothing."""

from __future__ import annotations

from pathlib import Path

import click

from effbench.cli.options import Place, as_json_option, leave
from effbench.text.printing import put, put_json, say


@click.command()
@click.argument("row")
@click.argument("others", metavar="OTHER...", nargs=-1, required=True)
@click.option(
    "--results",
    default="results",
    show_default=True,
    type=Place(exists=True, file_okay=False),
    help="Where records are.",
)
@click.option("--suite", metavar="NAME", help="The one to look at [default: all].")
@click.option("--index", metavar="NAME", help="The index [default: the suite's first].")
@click.option("--measure", help="The measure of quality [default: the suite's first].")
@click.option(
    "--span",
    default="end to end",
    show_default=True,
    help="The latency: encode for encoders alone.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "csv", "json"]),
    help="markdown: a table of the differences in quality alone [default: text].",
)
@as_json_option
def compare(
    row: str,
    others: tuple[str, ...],
    results: Path,
    suite: str | None,
    index: str | None,
    measure: str | None,
    span: str,
    form: str | None,
    as_json: bool,
) -> None:
    """Compare ROW with each OTHER, query by query: quality and latency, with 95 % intervals.

    Differences of quality are tested by paired randomisation, corrected for all datasets and
    others of a suite by Holm's method; speeds are compared within one session. Exit code 1:
    something could not be read, and is named.
    """
    from effbench.board import comparison
    from effbench.views import render
    from effbench.views.tables import compared

    asked = comparison.Question(row, tuple(dict.fromkeys(others)), suite, index, measure, span)
    found, unreadable = comparison.compare(results, asked)
    if as_json or form == "json":
        put_json([one.facts() for one in found])
    elif form in ("markdown", "csv"):
        put(render.FORMATS[form](compared(found, for_people=form == "markdown")))
    else:
        say(*(line for one in found for line in one.lines()))
    say(*(f"left out: {what}" for what in unreadable), err=True)
    leave(failed=bool(unreadable))


@click.command()
@click.argument("cell")
@click.option(
    "--results",
    default="results",
    show_default=True,
    type=Place(file_okay=False),
    help="Where records are.",
)
@as_json_option
def show(cell: str, results: Path, as_json: bool) -> None:
    """Show the record of CELL: a file, or a name such as scifact-test--minilm--exact.

    Of models that the row uses, what their trainers say of them is shown too, such as the
    weights of a mixed prompt. Values of single queries are in the file.
    """
    from effbench.api.errors import EffbenchError
    from effbench.run.records import load
    from effbench.text.printing import one_line
    from effbench.views.showing import find, lines

    path = find(cell, results)
    try:
        _, record = load(path)
    except EffbenchError as error:
        say(f"left out: {one_line(str(error))}", err=True)
        leave(failed=True)
    if as_json:
        put_json(record)
    else:
        say(*lines(record))


@click.command()
@click.argument("qrels", type=Place(exists=True, dir_okay=False))
@click.argument("run", type=Place(exists=True, dir_okay=False))
@click.option(
    "-m",
    "--measure",
    "measures",
    multiple=True,
    default=("nDCG@10", "RR@10", "R@100"),
    show_default=True,
    help="A measure in ir_measures' spelling (repeatable).",
)
@click.option("--per-query", is_flag=True, help="Show each query's values too.")
@as_json_option
def evaluate(
    qrels: Path, run: Path, measures: tuple[str, ...], per_query: bool, as_json: bool
) -> None:
    """Score a TREC RUN file against QRELS (TREC or BEIR layout, plain or .gz).

    Hits are ordered by score, a 64-bit float, ties by doc_id, both descending as trec_eval
    does; a judged query without hits counts 0.
    """
    from effbench.run.evaluation import evaluate as score

    found = score(qrels, run, measures)
    say(*found.remarks, err=True)
    if as_json:
        shown = {"mean": found.means, **({"per_query": found.values} if per_query else {})}
        put_json(shown)
        return
    for name, by_query in found.values.items():
        queries = by_query.items() if per_query else ()
        say(*(f"{name}\t{query}\t{value:.4f}" for query, value in queries))
        say(f"{name}\tall\t{found.means[name]:.4f}")
