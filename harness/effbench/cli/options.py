"""What several commands share: options, exit codes, planning a suite."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from effbench.api.errors import EffbenchError
from effbench.store.paths import check_writable, expanded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from effbench.board.leaderboard import Board
    from effbench.plan.cells import Plan
    from effbench.store.artifacts import Store

SOME_FAILED = 1


class Place(click.Path):
    """A file or folder that a command names: ``~`` is a home folder, no name a mistake."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return the path."""
        if not str(value):
            self.fail("an empty name (name a place; . is this folder)", param, ctx)
        try:
            return super().convert(expanded(value), param, ctx)
        except EffbenchError as error:
            self.fail(str(error), param, ctx)


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
cache_option = click.option(
    "--cache",
    type=Place(file_okay=False),
    help="Where vectors, indexes and runs are kept [default: ~/.cache/effbench].",
)
results_option = click.option(
    "--results",
    default="results",
    show_default=True,
    type=Place(file_okay=False),
    help="Where records are written.",
)
data_option = click.option(
    "--data",
    type=Place(exists=True, file_okay=False),
    help="Where the suite's relative paths start [default: beside the suite].",
)
forgive_option = click.option(
    "--forgive-expected",
    is_flag=True,
    help="No exit code 1 for scores that the suite expects and that are missed.",
)
device_option = click.option(
    "--device", help="Device of rows that name none: cpu, cuda, cuda:1."
)
columns_option = click.option(
    "--columns",
    multiple=True,
    metavar="NAME,NAME",
    callback=lambda _ctx, _option, texts: columns_of(texts),
    help="Columns beside row and index, or all [default: what a terminal has room for].",
)


def misses(boards: Iterable[Board], *, forgiven: bool) -> bool:
    """Name the rows that miss a score that is expected; tell whether that is a failure."""
    from effbench.board.expected import missed
    from effbench.text.printing import say

    lines = list(missed(boards))
    mend = "forgiven" if forgiven else "mend the row or the suite, or --forgive-expected"
    say(*(f"{line} ({mend})" for line in lines), err=True)
    return bool(lines) and not forgiven


def columns_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that texts such as ``kept,P(rel=2,judged_only=True)@5`` name."""
    parts = (part.strip() for text in texts for part in re.split(r",(?![^(]*\))", text))
    return tuple(dict.fromkeys(part for part in parts if part))


def leave(*, failed: bool, code: int = 0) -> NoReturn:
    """End the command with its exit code: ``code`` where nothing failed."""
    click.get_current_context().exit(SOME_FAILED if failed else code)


def planned(suite: str, data: Path | None, cache: Path | None) -> tuple[Store, Plan]:
    """Return the store and the plan of a suite: a file, or the name of one that we ship."""
    from effbench.offers import plugins as loading
    from effbench.plan import planner as planning
    from effbench.plan.suite import find
    from effbench.store.artifacts import Store, default_root
    from effbench.store.digests import DIGESTS
    from effbench.work import code

    # absolute: a plugin may go to another folder
    store = Store((cache or default_root()).absolute())
    path, memory = find(suite), store.root / DIGESTS
    plan = planning.make(path, loading.load(), memory, (data or path.parent).absolute())
    steps = plan.steps()
    offers = [offer for step in steps.values() for offer in step.offers]
    changed = code.remarks(code.of_finished(steps, store), offers, steps.values())
    return store, replace(plan, remarks=(*plan.remarks, *changed))


def check_places(store: Store, plan: Plan, results: Path | None = None) -> None:
    """Refuse, before any work, a store and a folder of results that take no files.

    Where nothing is left to be written, both may be read-only.

    Raises:
        EffbenchError: a file must be written, and cannot be.

    """
    steps = plan.steps().items()
    if not all(store.artifact(step.kind, key).finished() for key, step in steps):
        check_writable(store.root, "--cache")
    if results is not None:
        try:
            check_writable(results, "--results")
        except EffbenchError:
            from effbench.run.results import Results

            if not Results.of(results, plan).complete(plan):
                raise
