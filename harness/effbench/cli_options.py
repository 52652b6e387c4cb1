"""What several commands share: options, exit codes, planning a suite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from effbench.cells import Plan
    from effbench.store import Store

SOME_FAILED = 1

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where vectors, indexes and runs are kept [default: ~/.cache/effbench].",
)
results_option = click.option(
    "--results",
    default="results",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where records are written.",
)
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where the suite's relative paths start [default: beside the suite].",
)
device_option = click.option(
    "--device", help="Device of rows that name none: cpu, cuda, cuda:1."
)


def leave(*, failed: bool) -> NoReturn:
    """End the command with its exit code."""
    click.get_current_context().exit(SOME_FAILED if failed else 0)


def planned(suite: str, data: Path | None, cache: Path | None) -> tuple[Store, Plan]:
    """Return the store and the plan of a suite: a file, or the name of one that we ship."""
    from effbench import code
    from effbench import plan as planning
    from effbench import plugins as loading
    from effbench.content import DIGESTS
    from effbench.store import Store, default_root
    from effbench.suite import find

    # absolute: a plugin may go to another folder
    store = Store((cache or default_root()).absolute())
    path, memory = find(suite), store.root / DIGESTS
    plan = planning.make(path, loading.load(), memory, (data or path.parent).absolute())
    steps = plan.steps()
    offers = [offer for step in steps.values() for offer in step.offers]
    changed = code.remarks(code.kept(steps, store), offers, steps.values())
    return store, replace(plan, remarks=(*plan.remarks, *changed))
