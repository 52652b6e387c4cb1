"""The command ``effbench run``: runs a suite and prints its leaderboard."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from effbench.api.errors import EffbenchError
from effbench.cli.making import Making, making_bench, making_options
from effbench.cli.options import (
    Address,
    as_json_option,
    cache_option,
    check_places,
    columns_option,
    data_option,
    forgive_option,
    leave,
    misses,
    planned,
    results_option,
)
from effbench.text.printing import Plain, put, say
from effbench.text.words import counted

if TYPE_CHECKING:
    from effbench.board.leaderboard import Board
    from effbench.making.share import Share, Shared
    from effbench.plan.cells import Plan
    from effbench.run.runner import Outcome
    from effbench.store.artifacts import Store


@click.command()
@click.argument("suite")
@click.option("--only", multiple=True, metavar="ROW", help="Run only this row (repeatable).")
@results_option
@data_option
@cache_option
@making_options
@click.option(
    "--share",
    metavar="I/N",
    callback=lambda _c, _o, text: None if text is None else _share(text),
    help="Make only part I of N of the encodings and other steps, and no record; a run without "
    "this option goes on after all parts.",
)
@click.option("--fail-fast", is_flag=True, help="Stop at the first cell that fails.")
@forgive_option
@click.option(
    "-v", "--verbose", is_flag=True, help="Show what the plugins log, such as losses."
)
@as_json_option
@columns_option
def run(
    suite: str,
    only: tuple[str, ...],
    results: Path,
    data: Path | None,
    cache: Path | Address | None,
    making: Making,
    fail_fast: bool,
    forgive_expected: bool,
    verbose: bool,
    as_json: bool,
    columns: tuple[str, ...],
    share: Share | None,
) -> None:
    """Run SUITE (a file, or the name of a suite that we ship) and print its leaderboard.

    A run never repeats finished work. Under torchrun --no-python, all processes train the
    models together. Exit code 0: all cells are done, except cells without data; 1: a cell
    failed, all cells lack data, or a score is not as expected; 2: a mistake in the suite or the
    command.
    """
    from effbench.board.leaderboard import boards
    from effbench.guard import processes

    if verbose:
        _show_log()
    store, plan = _planned(suite, data, cache, results)
    _check_columns(columns, plan)
    check_places(store, plan, results)
    root = results.absolute()  # a plugin may change the working folder
    making = making._replace(verbose=verbose)
    if share is not None:
        shared = _make_share(share, store, plan, only, root, making)
        say(str(shared), err=True)
        leave(failed=bool(shared.failed))
    outcome, folder, n_steps = _run(store, plan, only, root, making, fail_fast)
    if processes.rank():
        return
    shown = boards([folder])
    _show_boards(shown, columns, as_json=as_json)
    say(_summary(outcome, n_steps, results / folder.relative_to(root)), err=True)
    missed = misses(shown, forgiven=forgive_expected)
    leave(failed=missed or bool(outcome.failed) or not outcome.records)


def _show_log() -> None:
    """Show what the plugins log on the terminal."""
    handler = logging.StreamHandler()
    handler.setFormatter(Plain("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _planned(
    suite: str, data: Path | None, cache: Path | Address | None, results: Path
) -> tuple[Store, Plan]:
    """Return the store and the plan; a refusal of the suite's latency goes into the records."""
    from effbench.plan.planner import Unmeasurable
    from effbench.run.runner import record_refusal

    try:
        return planned(suite, data, cache)
    except Unmeasurable as error:
        record_refusal(error.plan, results, error, partial(say, err=True))
        raise


def _check_columns(columns: Sequence[str], plan: Plan) -> None:
    """Refuse, before any work, a column that the leaderboard will not have."""
    from effbench.views import selection

    if columns:
        selection.check(columns, selection.columns_to_come(plan))


def _run(
    store: Store,
    plan: Plan,
    only: tuple[str, ...],
    root: Path,
    making: Making,
    fail_fast: bool,
) -> tuple[Outcome, Path, int]:
    """Run the rows; return the outcome, the records' folder, and the number of steps made.

    ``root`` is the folder for the records of all machines and suites.
    """
    from effbench.cache.uses import using
    from effbench.cli.console import Terminal, stderr
    from effbench.guard import processes
    from effbench.plan.costs import Facts, check_run
    from effbench.run.results import Results
    from effbench.run.runner import run as run_plan

    part = plan.only(only)
    lacking = Results.of(root, plan).lacking(part, store)
    if not processes.rank():
        check_run(lacking, Facts(store, making.device), root)
        say(*plan.remarks, err=True)
    with (
        using(store, part),
        Terminal(stderr()) as progress,
        making_bench(making, plan, store, progress, soon=bool(lacking)) as bench,
    ):
        outcome, records = run_plan(part, plan, bench, root, fail_fast=fail_fast)
    return outcome, records.folder, len(bench.made)


def _make_share(
    share: Share, store: Store, plan: Plan, only: tuple[str, ...], root: Path, making: Making
) -> Shared:
    from effbench.cache.uses import using
    from effbench.cli.console import Terminal, stderr
    from effbench.making.share import make_share
    from effbench.plan.costs import Facts, check_run, shards_of
    from effbench.run.results import Results

    if making.ray is not None:
        raise EffbenchError("--share is for runs without a cluster (leave out --ray)")
    part = plan.only(only)
    lacking, facts = Results.of(root, plan).lacking(part, store), Facts(store, making.device)
    check_run(lacking, facts, root)
    with (
        using(store, part),
        Terminal(stderr()) as progress,
        making_bench(making, plan, store, progress) as bench,
    ):
        steps = [cell.search for cell in part.cells]
        return make_share(share, steps, bench, partial(shards_of, facts))


def _share(text: str) -> Share:
    from effbench.making.share import Share

    number, _, count = text.partition("/")
    if number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return Share(int(number), int(count))
    raise EffbenchError(f"--share: {text!r} is no share (write 1/4, 2/4, 3/4 and 4/4)")


def _show_boards(boards: Sequence[Board], columns: Sequence[str], *, as_json: bool) -> None:
    """Print the leaderboards; without a finished cell there are only failures, told already."""
    from effbench.views import render, selection
    from effbench.views.layout import show
    from effbench.views.tables import table

    tables = selection.select([table(board) for board in boards], columns)
    if as_json:
        put(render.as_json(tables))
    elif any(board.collected.done or board.unreadable for board in boards):
        show(tables)


def _summary(outcome: Outcome, n_steps: int, place: Path) -> str:
    """Return the last line of a run: its cells by outcome, and the place of the records."""
    skipped = f", {len(outcome.skipped)} skipped" if outcome.skipped else ""
    return (
        f"{counted(len(outcome.done), 'cells')} done, {len(outcome.reused)} finished already, "
        f"{len(outcome.failed)} failed{skipped}; {counted(n_steps, 'steps')} made; "
        f"records in {place}"
    )
