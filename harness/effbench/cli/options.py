"""Options and functions that several commands share: exit codes, and planning a suite."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

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
    """An argument that names a file or folder: ``~`` is the home folder; "" is a mistake.

    The command gets a `pathlib.Path`. ``options`` are those of `click.Path`: ``exists``, ...
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"path_type": Path, **options})

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


class Address(NamedTuple):
    """A remote address of the cache, such as ``s3://bucket/folder``."""

    text: str


class CachePlace(Place):
    """The folder of the cache, or a remote address where artifacts are kept as well."""

    def __init__(self, *, remote: bool) -> None:
        """``remote`` says whether an address is allowed."""
        super().__init__(file_okay=False)
        self._remote = remote

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return the path, or the address."""
        if "://" not in str(value):
            return super().convert(value, param, ctx)
        if not self._remote:
            self.fail(f"{value} is an address (name the folder of a machine)", param, ctx)
        return Address(str(value))


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
cache_option = click.option(
    "--cache",
    type=CachePlace(remote=True),
    help="The folder of the cache: vectors, indexes, models and runs. An address such as "
    "s3://bucket/folder keeps copies there for other machines "
    "[default: ~/.cache/effbench].",
)
folder_option = click.option(
    "--cache",
    type=CachePlace(remote=False),
    help="The folder of the cache: vectors, indexes, models and runs "
    "[default: ~/.cache/effbench].",
)
results_option = click.option(
    "--results",
    default="results",
    show_default=True,
    type=Place(file_okay=False),
    help="The folder of the records.",
)
data_option = click.option(
    "--data",
    type=Place(exists=True, file_okay=False),
    help="The folder where relative paths in the suite start [default: the suite's folder].",
)
forgive_option = click.option(
    "--forgive-expected",
    is_flag=True,
    help="Do not end with exit code 1 if a score is not as the suite expects.",
)
device_option = click.option(
    "--device", help="The device for rows that do not name a device: cpu, cuda, cuda:1."
)
columns_option = click.option(
    "--columns",
    multiple=True,
    metavar="NAME,NAME",
    callback=lambda _ctx, _option, texts: columns_of(texts),
    help="The columns to show beside row and index, or all "
    "[default: the columns that fit on the terminal].",
)


def misses(boards: Iterable[Board], *, forgiven: bool) -> bool:
    """Print the rows whose score is not as expected; tell whether that is a failure."""
    from effbench.board.expected import missed
    from effbench.text.printing import say

    lines = list(missed(boards))
    mend = "forgiven" if forgiven else "mend the row or the suite, or --forgive-expected"
    say(*(f"{line} ({mend})" for line in lines), err=True)
    return bool(lines) and not forgiven


def columns_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the names of columns in texts such as ``kept,P(rel=2,judged_only=True)@5``."""
    parts = (part.strip() for text in texts for part in re.split(r",(?![^(]*\))", text))
    return tuple(dict.fromkeys(part for part in parts if part))


def leave(*, failed: bool, code: int = 0) -> NoReturn:
    """End the command with exit code 1 if it failed, else with ``code``."""
    click.get_current_context().exit(SOME_FAILED if failed else code)


def store_of(cache: Path | Address | None) -> Store:
    """Return the cache at a folder; that of an address has the default folder.

    Raises:
        EffbenchError: the address does not answer.

    """
    from effbench.store.artifacts import Store, default_root

    if isinstance(cache, Address):
        from effbench.store.mirror import Mirror
        from effbench.store.remote import Remote

        remote = Remote(cache.text)
        remote.ensure()
        return Store(default_root(), Mirror(remote))
    # absolute, since a plugin may change the working folder
    return Store((cache or default_root()).absolute())


def planned(suite: str, data: Path | None, cache: Path | Address | None) -> tuple[Store, Plan]:
    """Return the store and the plan of a suite, given as a file or as a name that we ship."""
    from effbench.offers import plugins as loading
    from effbench.plan import planner as planning
    from effbench.plan.suite import find
    from effbench.store.digests import DIGESTS
    from effbench.work import code, revisions

    store = store_of(cache)
    path, memory = find(suite), store.root / DIGESTS
    plan = planning.make(path, loading.load(), memory, (data or path.parent).absolute())
    steps = plan.steps()
    offers = [offer for step in steps.values() for offer in step.offers]
    changed = code.remarks(code.of_finished(steps, store), offers, steps.values())
    unfixed = revisions.remarks(cell.search for cell in plan.cells)
    return store, replace(plan, remarks=(*plan.remarks, *unfixed, *changed))


def check_places(store: Store, plan: Plan, results: Path | None = None) -> None:
    """Check, before any work, that the cache and the folder of results can be written.

    A folder may be read-only if nothing has to be written into it.

    Raises:
        EffbenchError: a folder cannot be written, but has to be.

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
