"""The command that shows what a suite comes to, and what it costs."""

from __future__ import annotations

from pathlib import Path

import click

from effbench.cli.options import (
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
@as_json_option
def plan(
    suite: str,
    data: Path | None,
    cache: Path | None,
    results: Path,
    device: str | None,
    as_json: bool,
) -> None:
    """Show the steps and cells that SUITE comes to, and what is left will cost; run nothing."""
    from effbench.plan.costs import Facts
    from effbench.run.finished import finished_cells
    from effbench.views.listing import described_plan, spelled_plan

    root = results.absolute()  # a plugin may go to another folder
    store, found = planned(suite, data, cache)
    done = finished_cells(found, store, root, device)
    described = described_plan(found, Facts(store, device), done)
    if as_json:
        put_json(described)
        return
    say(*found.remarks, err=True)
    say(*spelled_plan(described))
