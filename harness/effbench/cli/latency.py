"""The command that measures latency alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from effbench.cli.options import (
    as_json_option,
    cache_option,
    check_places,
    data_option,
    device_option,
    leave,
    planned,
    results_option,
)
from effbench.text.printing import put, say


@click.command()
@click.argument("suite")
@click.option("--rows", multiple=True, metavar="ROW", help="This row only (repeatable).")
@click.option(
    "--datasets", multiple=True, metavar="DATASET", help="This one only (repeatable)."
)
@click.option(
    "--processes", type=click.IntRange(1, 1000), help="Fresh ones a row [default: suite's]."
)
@click.option(
    "--queries", type=click.IntRange(1, 1_000_000), help="Timed in each [default: suite's]."
)
@results_option
@data_option
@cache_option
@device_option
@as_json_option
def latency(
    suite: str,
    rows: tuple[str, ...],
    datasets: tuple[str, ...],
    processes: int | None,
    queries: int | None,
    results: Path,
    data: Path | None,
    cache: Path | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Measure the latency of SUITE's rows, all of them in turns, a session a dataset.

    The suite's baseline is always measured along. What the rows lack is made first. Exit code
    0: measured; 1: some row failed; 2: a mistake in the suite or the command.
    """
    from dataclasses import replace

    from effbench.api.errors import EffbenchError
    from effbench.cache.uses import using
    from effbench.cli.console import Terminal, stderr
    from effbench.latency.measure import DatasetLatency, measure_latency
    from effbench.plan.costs import Facts, check_run, learner
    from effbench.plan.suite import LatencyOptions
    from effbench.run.results import Results
    from effbench.store.paths import check_writable
    from effbench.work.workbench import Workbench

    store, plan = planned(suite, data, cache)
    results = results.absolute()  # a plugin may go to another folder
    check_places(store, plan)
    check_writable(results, "--results")
    if rows and plan.baseline:
        rows = tuple(dict.fromkeys((plan.baseline, *rows)))
    part = plan.only(rows, datasets)
    check_run([cell for cell in part.cells if cell.has_latency], Facts(store, device), results)
    say(*plan.remarks, err=True)
    usual = plan.suite.latency or LatencyOptions()
    options = replace(
        usual, processes=processes or usual.processes, queries=queries or usual.queries
    )
    folder, made = Results.of(results, plan).folder, list[DatasetLatency]()
    with using(store, part), Terminal(stderr()) as progress:
        bench = Workbench(store, progress, device, learn=learner(store, device))
        measure_latency(part.cells, plan, bench, folder, options, anew=True, keep=made.append)
    if not made:
        raise EffbenchError(
            "nothing was measured: none of these rows can be timed (choose others with --rows)"
        )
    _show([one.path for one in made if one.path], plan.suite.name, as_json)
    errors = {cell: error for one in made for cell, error in one.errors.items()}
    for cell, error in errors.items():
        say(f"FAILED {cell}: {error}", err=True)
    leave(failed=bool(errors))


def _show(paths: Sequence[Path], suite: str, as_json: bool) -> None:
    from effbench.latency.samples import read_session
    from effbench.machine import facts
    from effbench.views import render, session
    from effbench.views.layout import show

    found = [
        table
        for path in paths
        for table in session.tables(read_session(path), suite, facts.name())
    ]
    if as_json:
        put(render.as_json(found))
    else:
        show(found)
    say(*(f"every sample is in {path}" for path in paths), err=True)
