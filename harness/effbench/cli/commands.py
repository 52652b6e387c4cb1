"""The ``effbench`` command. Imports of weight stand inside the commands: help is quick."""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from effbench.api.errors import DiskError, EffbenchError, UnreadableError
from effbench.cli.cache import cache
from effbench.cli.diff import diff
from effbench.cli.latency import latency
from effbench.cli.leaderboard import leaderboard
from effbench.cli.options import (
    Place,
    as_json_option,
    cache_option,
    check_places,
    columns_option,
    data_option,
    device_option,
    forgive_option,
    leave,
    misses,
    planned,
    results_option,
)
from effbench.cli.plan import plan
from effbench.cli.records import compare, evaluate, show
from effbench.cli.results import results as results_group
from effbench.guard import containment, interruption
from effbench.guard.ending import ENDED, ended, no_silent_end
from effbench.store.paths import check_here
from effbench.text.printing import Plain, put, put_json, say
from effbench.text.raised import raised_in
from effbench.text.words import counted

if TYPE_CHECKING:
    from effbench.board.leaderboard import Board

FAILED, MISTAKE = 1, 2


class _Group(click.Group):
    """Has the plugins' commands too; shows a user's mistake as one line, with exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        try:
            return sorted({*self.commands, *self._plugins(ctx)})
        except EffbenchError:  # EFFBENCH_PLUGINS names what is not there: help must come
            return sorted(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; plugins are only loaded for what is not one of ours."""
        return self.commands.get(cmd_name) or self._plugins(ctx).get(cmd_name)

    def _plugins(self, ctx: click.Context) -> Mapping[str, click.Command]:
        from effbench.offers.plugins import load

        if __name__ not in ctx.meta:  # help asks for each command anew
            ctx.meta[__name__] = load().commands
        found: Mapping[str, click.Command] = ctx.meta[__name__]
        return found

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command line; --help may find the disk full, too. Plugins are contained."""
        alone = not arguments and options.get("args") is None  # else some program calls us
        if alone:
            interruption.listen()
        with containment.contained_process(alone=alone):
            try:
                return super().main(*arguments, **options)
            except OSError as error:
                say(f"Error: {DiskError('standard output', error)}", err=True)
                sys.exit(MISTAKE)

    def invoke(self, ctx: click.Context) -> Any:
        from effbench.guard import processes

        try:
            with no_silent_end():
                check_here()
                if forgotten := processes.settle():
                    say(forgotten, err=True)
                return super().invoke(ctx)
        except EffbenchError as error:
            say(*f"Error: {error}".split("\n"), err=True)
            ctx.exit(FAILED if isinstance(error, UnreadableError) else MISTAKE)
        except OSError as error:
            if error.errno == errno.EPIPE:  # a reader of ours went away: click ends quietly
                raise
            say(f"Error: {DiskError(raised_in(error.__traceback__), error)}", err=True)
            ctx.exit(MISTAKE)
        except KeyboardInterrupt as error:
            ctx.exit(interruption.settle(error))
        except SystemExit as error:
            if ctx.invoked_subcommand not in self.commands:  # a plugin's command may
                raise
            how = f"SystemExit: {error} in {raised_in(error.__traceback__)}"
            say(ended(how), err=True)
            ctx.exit(ENDED)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="effbench")
def main() -> None:
    """Benchmark efficient dense retrieval: quality against latency."""


@main.command()
@click.argument("suite")
@click.option("--only", multiple=True, metavar="ROW", help="Run this row only (repeatable).")
@results_option
@data_option
@cache_option
@device_option
@click.option("--fail-fast", is_flag=True, help="Stop at the first cell that fails.")
@forgive_option
@click.option("-v", "--verbose", is_flag=True, help="Show what plugins log, such as losses.")
@as_json_option
@columns_option
def run(
    suite: str,
    only: tuple[str, ...],
    results: Path,
    data: Path | None,
    cache: Path | None,
    device: str | None,
    fail_fast: bool,
    forgive_expected: bool,
    verbose: bool,
    as_json: bool,
    columns: tuple[str, ...],
) -> None:
    """Run SUITE (a file, or the name of one that we ship) and print its leaderboard.

    What is finished already is not done again. Under torchrun --no-python all its processes
    train the models together. Exit code 0: all cells done, but those without data; 1: some cell
    failed, all lack data, or a score is not as expected; 2: a mistake in the suite or the
    command.
    """
    from effbench.board.leaderboard import boards
    from effbench.cache.uses import using
    from effbench.cli.console import Terminal, stderr
    from effbench.guard import processes
    from effbench.plan.costs import Facts, check_run, learner
    from effbench.plan.planner import Unmeasurable
    from effbench.run.results import Results
    from effbench.run.runner import refuse
    from effbench.run.runner import run as run_plan
    from effbench.views import selection
    from effbench.work.workbench import Workbench

    if verbose:
        handler = logging.StreamHandler()
        handler.setFormatter(Plain("%(message)s"))
        logging.basicConfig(level=logging.INFO, handlers=[handler])
    try:
        store, plan = planned(suite, data, cache)
    except Unmeasurable as error:
        refuse(error.plan, results, error, partial(say, err=True))
        raise
    if columns:
        selection.check(columns, selection.columns_to_come(plan))
    check_places(store, plan, results)
    root = results.absolute()  # a plugin may go to another folder
    part = plan.only(only)
    if not processes.rank():
        check_run(Results.of(root, plan).lacking(part, store), Facts(store, device), root)
        say(*plan.remarks, err=True)
    with using(store, part), Terminal(stderr()) as progress:
        bench = Workbench(store, progress, device, learn=learner(store, device))
        outcome, records = run_plan(part, plan, bench, root, fail_fast=fail_fast)
    if processes.rank():
        return
    shown = boards([records.folder])
    _show_boards(shown, columns, as_json=as_json)
    skipped = f", {len(outcome.skipped)} skipped" if outcome.skipped else ""
    say(
        f"{counted(len(outcome.done), 'cells')} done, {len(outcome.reused)} finished already, "
        f"{len(outcome.failed)} failed{skipped}; {counted(len(bench.made), 'steps')} made; "
        f"records in {results / records.folder.relative_to(root)}",
        err=True,
    )
    missed = misses(shown, forgiven=forgive_expected)
    leave(failed=missed or bool(outcome.failed) or not outcome.records)


def _show_boards(boards: Sequence[Board], columns: Sequence[str], *, as_json: bool) -> None:
    """Print the leaderboards of a run; where no cell is done, its failures were said."""
    from effbench.views import render, selection
    from effbench.views.layout import show
    from effbench.views.tables import table

    found = selection.select([table(board) for board in boards], columns)
    if as_json:
        put(render.as_json(found))
    elif any(board.collected.done or board.unreadable for board in boards):
        show(found)


@main.command()
@click.argument("suite")
@click.argument("row")
@click.argument("folder", metavar="DIR", type=Place(file_okay=False))
@click.option("--dataset", metavar="NAME", help="Which one's, if each dataset has its own.")
@click.option(
    "--results",
    default="results",
    show_default=True,
    type=Place(file_okay=False),
    help="Where the figures are that go into its README.",
)
@data_option
@cache_option
@device_option
def export(
    suite: str,
    row: str,
    folder: Path,
    dataset: str | None,
    results: Path,
    data: Path | None,
    cache: Path | None,
    device: str | None,
) -> None:
    """Write ROW of SUITE to DIR, which Sentence Transformers loads without effbench.

    What its model lacks is made first. Its README.md says how it is used, how it was trained,
    and what its scores and times are. DIR must be absent or empty. Exit code 0: written; 1:
    its model could not be made, or its plugin failed; 2: a mistake in the suite or the command.
    """
    from effbench.cache.uses import using
    from effbench.cli.console import Terminal, stderr
    from effbench.export import folder as exporting
    from effbench.guard.blame import PluginError
    from effbench.work.workbench import StepFailed, Workbench

    store, plan = planned(suite, data, cache)
    found = exporting.find(plan, row, dataset)
    check_places(store, plan)
    try:
        with using(store, plan.only((row,))), Terminal(stderr()) as progress:
            bench, root = Workbench(store, progress, device), results.absolute()
            exporting.export(found, folder, plan, bench, root, partial(say, err=True))
    except (StepFailed, PluginError) as failure:
        say(f"Error: {failure}", err=True)
        leave(failed=True)
    say(*exporting.usage(folder))


@main.command()
@as_json_option
def plugins(as_json: bool) -> None:
    """List the plugins, what they offer with options and defaults, and what is broken.

    Exit code 1: some plugin is broken, and the line says why; the others can be used.
    """
    from effbench.offers import plugins as loading
    from effbench.views.listing import described, spelled

    found = loading.load()
    if as_json:
        put_json(described(found))
    else:
        say(*spelled(found))
    leave(failed=bool(found.broken()))


main.add_command(plan)
main.add_command(latency)
main.add_command(cache)
main.add_command(results_group)
main.add_command(compare)
main.add_command(diff)
main.add_command(leaderboard)
main.add_command(evaluate)
main.add_command(show)
