"""The command ``effbench export``: writes a row as a folder that works without effbench."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from effbench.cli.making import Making, making_bench, making_options
from effbench.cli.options import (
    Address,
    Place,
    cache_option,
    check_places,
    data_option,
    leave,
    planned,
)
from effbench.text.printing import say


@click.command()
@click.argument("suite")
@click.argument("row")
@click.argument("folder", metavar="DIR", type=Place(file_okay=False))
@click.option(
    "--dataset",
    metavar="NAME",
    help="Export the encoder of this dataset, if each dataset has a different one.",
)
@click.option(
    "--results",
    default="results",
    show_default=True,
    type=Place(file_okay=False),
    help="The folder with the records whose figures go into the README.",
)
@data_option
@cache_option
@making_options
def export(
    suite: str,
    row: str,
    folder: Path,
    dataset: str | None,
    results: Path,
    data: Path | None,
    cache: Path | Address | None,
    making: Making,
) -> None:
    """Write ROW of SUITE to DIR; Sentence Transformers loads DIR without effbench.

    The steps that the row's model lacks are made first. README.md in DIR tells how to use the
    model, how it was trained, and its scores and times. DIR must be absent or empty. Exit code
    0: written; 1: the model could not be made, or its plugin failed; 2: a mistake in the suite
    or the command.
    """
    from effbench.cache.uses import using
    from effbench.cli.console import Terminal, stderr
    from effbench.export import folder as exporting
    from effbench.guard.blame import PluginError
    from effbench.work.failures import StepFailed

    store, plan = planned(suite, data, cache)
    encoder = exporting.find(plan, row, dataset)
    check_places(store, plan)
    try:
        with (
            using(store, plan.only((row,))),
            Terminal(stderr()) as progress,
            making_bench(making, plan, store, progress) as bench,
        ):
            root = results.absolute()  # a plugin may change the working folder
            exporting.export(encoder, folder, plan, bench, root, partial(say, err=True))
    except (StepFailed, PluginError) as failure:
        say(f"Error: {failure}", err=True)
        leave(failed=True)
    say(*exporting.usage(folder))
