"""The commands ``effbench cache``: show the steps in the cache, and free some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from effbench.api.errors import EffbenchError
from effbench.cli.options import (
    as_json_option,
    data_option,
    folder_option,
    leave,
    planned,
)
from effbench.text.printing import put_json, say

if TYPE_CHECKING:
    from effbench.cache.holdings import Holdings


def _amount(name: str) -> Callable[[str], Any]:
    """Return a function that reads an amount, by its name in `effbench.text.amounts`."""

    def convert(text: str) -> Any:
        from effbench.text import amounts

        try:
            return getattr(amounts, name)(text)
        except EffbenchError as error:
            raise click.BadParameter(str(error)) from error

    return convert


@click.group(invoke_without_command=True)
@folder_option
@as_json_option
@click.pass_context
def cache(ctx: click.Context, cache: Path | None, as_json: bool) -> None:
    """Show the steps in the cache by suite and row: number, size, and last use.

    If several rows or suites need a step, it is counted once, in a line that names them all.
    --json lists every step. A star marks a line with steps that a running process uses.
    """
    if ctx.invoked_subcommand is not None:
        if cache or as_json:
            raise click.UsageError(f"give options after the word {ctx.invoked_subcommand}", ctx)
        return
    from effbench.cache import stock
    from effbench.cache.holdings import read_holdings

    root = _root(cache)
    holdings = read_holdings(root)
    if as_json:
        put_json(stock.facts(root, holdings))
    else:
        say(*stock.lines(root, holdings))


@cache.command()
@click.argument("suite")
@data_option
@folder_option
@as_json_option
def needs(suite: str, data: Path | None, cache: Path | None, as_json: bool) -> None:
    """Show by rows which steps of SUITE the cache has, and which are missing."""
    from effbench.cache import stock
    from effbench.cache.holdings import needed_steps

    store, plan = planned(suite, data, cache)
    steps = needed_steps(store, plan)
    if as_json:
        put_json([step.facts() for step in steps])
    else:
        say(*plan.remarks, err=True)
        say(*stock.needs_lines(plan.suite.name, steps))


@cache.command()
@click.option(
    "--older-than",
    metavar="AGE",
    type=_amount("seconds_of"),
    help="Select steps that nothing has used for this time, such as 30d (units: m, h, d, w).",
)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="NAME",
    help="Select steps that only this suite uses (repeatable: only these suites).",
)
@click.option(
    "--to",
    "most",
    metavar="SIZE",
    type=_amount("bytes_of"),
    help="Select the steps with the oldest use, until the rest fit in this size, such as 20GB.",
)
@click.option(
    "--yes/--dry-run",
    default=False,
    help="Free the steps, or only show them [default: --dry-run].",
)
@folder_option
@as_json_option
def free(
    older_than: float | None,
    suites: tuple[str, ...],
    most: int | None,
    yes: bool,
    cache: Path | None,
    as_json: bool,
) -> None:
    """Free the steps that all given options select. A later run makes them again if needed.

    Downloads, and steps that a running process uses, always stay. Leftovers of killed processes
    are removed too; without an option, only they are removed. Exit code 0: freed, or shown; 1:
    a file could not be removed; 2: a mistake in the command.
    """
    from effbench.cache import freeing, stock
    from effbench.cache.holdings import read_holdings

    root, request = _root(cache), freeing.Request(older_than, suites, most)
    holdings = read_holdings(root)
    _check_suites(suites, holdings)
    selection = freeing.select(holdings, request)
    ended = freeing.ended_suites(request, selection)
    freed = freeing.free(root, holdings, selection.chosen, ended) if yes else None
    if as_json:
        put_json(stock.freed_facts(selection, holdings, freed))
    else:
        say(*stock.freed_lines(request, selection, holdings, freed))
    if freed is not None:
        say(*freed.failed, err=True)
        leave(failed=bool(freed.failed))


def _root(cache: Path | None) -> Path:
    from effbench.store.artifacts import default_root

    return (cache or default_root()).absolute()


def _check_suites(suites: Iterable[str], holdings: Holdings) -> None:
    """Refuse a suite without steps in the cache: its name may be mistyped."""
    from effbench.text.suggestions import suggest

    known = {suite for artifact in holdings.artifacts for suite in artifact.suites}
    for suite in suites:
        if suite not in known:
            hint = suggest(suite, known)
            raise EffbenchError(f"no step of a suite {suite!r} in this cache ({hint})")
