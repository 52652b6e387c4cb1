"""The command that shows what a suite comes to, and what it costs."""

from __future__ import annotations

from pathlib import Path

import click

from effbench.cli_options import (
    as_json_option,
    cache_option,
    data_option,
    device_option,
    planned,
)
from effbench.printing import put_json, say


@click.command()
@click.argument("suite")
@data_option
@cache_option
@device_option
@as_json_option
def plan(
    suite: str, data: Path | None, cache: Path | None, device: str | None, as_json: bool
) -> None:
    """Show the steps and cells that SUITE comes to, and what is left will cost; run nothing."""
    from effbench.costs import Facts
    from effbench.listing import described_plan, spelled_plan

    store, found = planned(suite, data, cache)
    described = described_plan(found, Facts(store, device))
    if as_json:
        put_json(described)
        return
    say(*found.remarks, err=True)
    say(*spelled_plan(described))
