"""The command ``effbench plan``: shows the steps and cells of a suite, and their costs."""

from __future__ import annotations

from pathlib import Path

import click

from effbench.cli.options import (
    Address,
    as_json_option,
    cache_option,
    data_option,
    device_option,
    planned,
    results_option,
)
from effbench.text.printing import put_json, say


@click.command()
@click.argument("suite")
@data_option
@cache_option
@results_option
@device_option
@click.option("--steps", is_flag=True, help="List every step and cell, with its key.")
@as_json_option
def plan(
    suite: str,
    data: Path | None,
    cache: Path | Address | None,
    results: Path,
    device: str | None,
    steps: bool,
    as_json: bool,
) -> None:
    """Show the rows of SUITE, and the cost of the work still to do; run nothing."""
    from effbench.plan.costs import Facts
    from effbench.run.finished import finished_cells
    from effbench.views.planned import plan_facts, plan_lines

    root = results.absolute()  # a plugin may change the working folder
    store, whole = planned(suite, data, cache)
    done = finished_cells(whole, store, root, device)
    facts = plan_facts(whole, Facts(store, device), done)
    if as_json:
        put_json({**facts, "remarks": whole.remarks})
        return
    say(*whole.remarks, err=True)
    say(*plan_lines(facts, steps))
