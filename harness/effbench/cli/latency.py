"""The command ``effbench latency``: measures the latency of a suite again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from effbench.api.errors import EffbenchError
from effbench.cli.making import Making, making_bench, making_options
from effbench.cli.options import (
    Address,
    Place,
    as_json_option,
    cache_option,
    check_places,
    data_option,
    leave,
    planned,
    results_option,
)
from effbench.text.printing import put, say

if TYPE_CHECKING:
    from effbench.latency.measure import DatasetLatency
    from effbench.plan.cells import Plan
    from effbench.plan.suite import LatencyOptions
    from effbench.store.artifacts import Store


@click.command()
@click.argument("suite", required=False)
@click.option(
    "--pack",
    type=Place(exists=True, dir_okay=False),
    metavar="FILE",
    help="Measure what `effbench pack` has written, in place of SUITE.",
)
@click.option(
    "--rows", multiple=True, metavar="ROW", help="Measure this row only (repeatable)."
)
@click.option(
    "--datasets",
    multiple=True,
    metavar="DATASET",
    help="Measure only on this dataset (repeatable).",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 1000),
    help="Number of fresh processes for each row [default: the suite's].",
)
@click.option(
    "--queries",
    type=click.IntRange(1, 1_000_000),
    help="Number of queries that each process times [default: the suite's].",
)
@results_option
@data_option
@cache_option
@making_options
@as_json_option
def latency(
    suite: str | None,
    pack: Path | None,
    rows: tuple[str, ...],
    datasets: tuple[str, ...],
    processes: int | None,
    queries: int | None,
    results: Path,
    data: Path | None,
    cache: Path | Address | None,
    making: Making,
    as_json: bool,
) -> None:
    """Measure the latency of SUITE's rows: one session for each dataset, all rows in turns.

    A session always includes the suite's baseline. The steps that the rows lack are made
    first. A pack has them all; its records are copied into the results, beside the sessions.
    Exit code 0: measured; 1: a row failed; 2: a mistake in the suite or the command.
    """
    from effbench.store.paths import check_writable

    if (suite is None) == (pack is None):
        raise click.UsageError("give SUITE, or --pack FILE")
    if pack is not None and (data is not None or cache is not None):
        raise click.UsageError(
            "a pack brings its data and cache (leave out --data and --cache)"
        )
    root = results.absolute()  # a plugin may change the working folder
    check_writable(root, "--results")
    with _opened(suite, pack, data, cache, root) as (store, plan):
        if rows and plan.baseline:
            rows = tuple(dict.fromkeys((plan.baseline, *rows)))
        part, options = plan.only(rows, datasets), _options(plan, processes, queries)
        measured = _measure(store, plan, part, options, root, making)
    _show([latency.path for latency in measured if latency.path], plan.suite.name, as_json)
    errors = {cell: error for latency in measured for cell, error in latency.errors.items()}
    for cell, error in errors.items():
        say(f"FAILED {cell}: {error}", err=True)
    leave(failed=bool(errors))


@contextmanager
def _opened(
    suite: str | None, pack: Path | None, data: Path | None, cache: Path | Address | None,
    root: Path,
) -> Iterator[tuple[Store, Plan]]:  # fmt: skip
    """Plan a suite, or unpack a pack and copy its records into ``root``."""
    if suite is not None:
        store, plan = planned(suite, data, cache)
        check_places(store, plan)
        yield store, plan
    elif pack is not None:
        from effbench.sharing.opening import opened_pack

        with opened_pack(pack.absolute()) as packed:
            for cell, why in packed.manifest.left_out.items():
                say(f"not in the pack: {cell}: {why}", err=True)
            packed.copy_records(root)
            yield packed.store, packed.plan


def _options(plan: Plan, processes: int | None, queries: int | None) -> LatencyOptions:
    """Return the suite's options of latency, changed by the options of the command line."""
    from dataclasses import replace

    from effbench.plan.suite import LatencyOptions

    usual = plan.suite.latency or LatencyOptions()
    return replace(
        usual, processes=processes or usual.processes, queries=queries or usual.queries
    )


def _measure(
    store: Store,
    plan: Plan,
    part: Plan,
    options: LatencyOptions,
    root: Path,
    making: Making,
) -> Sequence[DatasetLatency]:
    """Measure the cells of ``part``; return the latency on each dataset.

    ``root`` is the folder for the sessions of all machines and suites.

    Raises:
        EffbenchError: no row of ``part`` can be timed.

    """
    from effbench.cache.uses import using
    from effbench.cli.console import Terminal, stderr
    from effbench.latency.measure import measure_latency
    from effbench.plan.costs import Facts, check_run
    from effbench.run.results import Results

    timed = [cell for cell in part.cells if cell.has_latency]
    check_run(timed, Facts(store, making.device), root)
    say(*plan.remarks, err=True)
    folder = Results.of(root, plan).folder
    measured: list[DatasetLatency] = []
    with (
        using(store, part),
        Terminal(stderr()) as progress,
        making_bench(making, plan, store, progress) as bench,
    ):
        measure_latency(
            part.cells, plan, bench, folder, options, anew=True, keep=measured.append
        )
    if not measured:
        raise EffbenchError(
            "nothing was measured: none of these rows can be timed (choose others with --rows)"
        )
    return measured


def _show(paths: Sequence[Path], suite: str, as_json: bool) -> None:
    """Print the tables of the sessions in these files."""
    from effbench.latency.samples import read_session
    from effbench.machine import facts
    from effbench.views import render
    from effbench.views.layout import show
    from effbench.views.session import session_tables

    tables = [
        table
        for path in paths
        for table in session_tables(read_session(path), suite, facts.name())
    ]
    if as_json:
        put(render.as_json(tables))
    else:
        show(tables)
    say(*(f"every sample is in {path}" for path in paths), err=True)
