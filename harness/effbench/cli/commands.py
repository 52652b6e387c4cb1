"""The ``effbench`` command and its list of commands.

Each command imports heavy modules inside its function, so that ``--help`` stays quick.
"""

from __future__ import annotations

import click

from effbench.cli.cache import cache
from effbench.cli.diff import diff
from effbench.cli.export import export
from effbench.cli.group import Group
from effbench.cli.ir_metadata import ir_metadata
from effbench.cli.latency import latency
from effbench.cli.leaderboard import leaderboard
from effbench.cli.pack import pack
from effbench.cli.plan import plan
from effbench.cli.plugins import plugins
from effbench.cli.records import compare, evaluate, show
from effbench.cli.results import results
from effbench.cli.run import run
from effbench.cli.verify import verify


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="effbench")
@click.option("-v", "--verbose", is_flag=True, help="Show where a command of a plugin fails.")
def main(verbose: bool) -> None:
    """Benchmark efficient dense retrieval: quality against latency."""


for command in (
    cache, compare, diff, evaluate, export, ir_metadata, latency, leaderboard, pack, plan,
    plugins, results, run, show, verify,
):  # fmt: skip
    main.add_command(command)
