"""The commands ``effbench compare``, ``show`` and ``evaluate``: they only read files."""

from __future__ import annotations

from pathlib import Path

import click

from effbench.cli.options import (
    Address,
    Place,
    as_json_option,
    cache_option,
    data_option,
    leave,
    planned,
)
from effbench.text.printing import put, put_json, say


@click.command()
@click.argument("row")
@click.argument("rows", metavar="OTHER...", nargs=-1, required=True)
@click.option(
    "--results",
    default="results",
    show_default=True,
    type=Place(exists=True, file_okay=False),
    help="The folder of the records.",
)
@click.option("--suite", metavar="NAME", help="Compare only in this suite [default: all].")
@click.option("--index", metavar="NAME", help="The index [default: the suite's first].")
@click.option("--measure", help="The measure of quality [default: the suite's first].")
@click.option(
    "--span",
    default="end to end",
    show_default=True,
    help="The span of latency to compare, such as encode for the encoders alone.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "csv", "json"]),
    help="The format; markdown is a table of differences in quality only [default: text].",
)
@as_json_option
def compare(
    row: str,
    rows: tuple[str, ...],
    results: Path,
    suite: str | None,
    index: str | None,
    measure: str | None,
    span: str,
    form: str | None,
    as_json: bool,
) -> None:
    """Compare ROW with each OTHER row in quality and latency, with 95 % intervals.

    The name of a sweep as OTHER means all its rows.

    Quality is compared query by query: a paired randomisation test, with Holm's correction for
    all datasets and OTHER rows of a suite. Latencies are compared within one session. Exit code
    1: a file could not be read; it is named.
    """
    from effbench.board import comparison
    from effbench.views import render
    from effbench.views.comparisons import compared

    question = comparison.Question(row, tuple(dict.fromkeys(rows)), suite, index, measure, span)
    comparisons, unreadable = comparison.compare(results, question)
    if as_json or form == "json":
        put_json([pair.facts() for pair in comparisons])
    elif form in ("markdown", "csv"):
        put(render.FORMATS[form](compared(comparisons, for_people=form == "markdown")))
    else:
        say(*(line for pair in comparisons for line in pair.lines()))
    say(*(f"left out: {reason}" for reason in unreadable), err=True)
    leave(failed=bool(unreadable))


@click.command()
@click.argument("cell")
@click.option(
    "--results",
    default="results",
    show_default=True,
    type=Place(file_okay=False),
    help="The folder of the records.",
)
@click.option("--suite", metavar="SUITE", help="The suite of the cell, for --query and --doc.")
@click.option("--query", metavar="ID", help="Show the sparse vector of this query.")
@click.option("--doc", metavar="ID", help="Show the sparse vector of this doc.")
@data_option
@cache_option
@as_json_option
def show(
    cell: str,
    results: Path,
    suite: str | None,
    query: str | None,
    doc: str | None,
    data: Path | None,
    cache: Path | Address | None,
    as_json: bool,
) -> None:
    """Show the record of CELL: its file, or its name such as scifact-test--minilm--exact.

    The record includes the facts that trainers give about the row's models, such as the weights
    of a mixed prompt. Values of single queries are not shown; the file has them.

    With --suite and --query or --doc, show the words of a sparse vector that a run has kept in
    the cache, with their weights, the largest first.
    """
    if query is not None or doc is not None:
        _show_weights(cell, suite, query, doc, data, cache, as_json=as_json)
        return
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


def _show_weights(
    cell: str,
    suite: str | None,
    query: str | None,
    doc: str | None,
    data: Path | None,
    cache: Path | Address | None,
    *,
    as_json: bool,
) -> None:
    from effbench.views.weights import lines, weights_of

    if suite is None or (query is not None and doc is not None):
        raise click.UsageError("--query or --doc, one of them, needs --suite")
    store, plan = planned(suite, data, cache)
    part, item = ("doc", doc) if query is None else ("query", query)
    weights = weights_of(plan, store, cell, part, str(item))
    if as_json:
        put_json({"words": dict(weights)})
    else:
        say(*lines(weights))


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
    """Score the file RUN in TREC's format by the judgments in QRELS (TREC or BEIR, also .gz).

    Hits are ordered like in trec_eval: by score (a 64-bit float), and equal scores by doc_id,
    both descending. A judged query without hits counts 0.
    """
    from effbench.run.evaluation import evaluate as score

    scores = score(qrels, run, measures)
    say(*scores.remarks, err=True)
    if as_json:
        put_json({"mean": scores.means, **({"per_query": scores.values} if per_query else {})})
        return
    for name, by_query in scores.values.items():
        queries = by_query.items() if per_query else ()
        say(*(f"{name}\t{query}\t{value:.4f}" for query, value in queries))
        say(f"{name}\tall\t{scores.means[name]:.4f}")
