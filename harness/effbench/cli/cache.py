"""The commands that show and free what the cache holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from effbench.api.errors import EffbenchError
from effbench.cli.options import as_json_option, cache_option, data_option, leave, planned
from effbench.text.printing import put_json, say

if TYPE_CHECKING:
    from effbench.cache.holdings import Holdings


def _amount(read: str) -> Callable[[str], Any]:
    """Return a reader of sizes or ages, of the name it has in `effbench.text.amounts`."""

    def convert(text: str) -> Any:
        from effbench.text import amounts

        try:
            return getattr(amounts, read)(text)
        except EffbenchError as error:
            raise click.BadParameter(str(error)) from error

    return convert


@click.group(invoke_without_command=True)
@cache_option
@as_json_option
@click.pass_context
def cache(ctx: click.Context, cache: Path | None, as_json: bool) -> None:
    """Show what the cache holds: by suite and row the steps, their bytes, the last use.

    A step that several rows or suites need stands once, in a line of them all. JSON lists the
    steps one by one. What is used by a process that is running now has a star.
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
@cache_option
@as_json_option
def needs(suite: str, data: Path | None, cache: Path | None, as_json: bool) -> None:
    """Show what SUITE needs of the cache: by rows, what is there and what is missing."""
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
    help="What nobody has used for so long, such as 30d (m, h, d, w).",
)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="NAME",
    help="What this suite uses and no other (repeatable: and no others).",
)
@click.option(
    "--to",
    "most",
    metavar="SIZE",
    type=_amount("bytes_of"),
    help="What was used longest ago, until all steps take at most so much, such as 20GB.",
)
@click.option("--yes/--dry-run", default=False, help="Free it; else it is only shown.")
@cache_option
@as_json_option
def free(
    older_than: float | None,
    suites: tuple[str, ...],
    most: int | None,
    yes: bool,
    cache: Path | None,
    as_json: bool,
) -> None:
    """Free steps of which all options are true; the next run that needs them makes them anew.

    Never what a running process uses, nor downloads. Leftovers of killed processes go along,
    and alone where no option is given. Exit code 0: freed, or shown; 1: something could not be
    removed; 2: a mistake.
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


def _check_suites(suites: Iterable[str], found: Holdings) -> None:
    """Refuse a suite that has nothing here: a name may be mistyped."""
    from effbench.text.suggestions import suggest

    known = {suite for one in found.artifacts for suite in one.suites}
    for suite in suites:
        if suite not in known:
            hint = suggest(suite, known)
            raise EffbenchError(f"no step of a suite {suite!r} in this cache ({hint})")
