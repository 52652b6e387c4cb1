"""The command ``effbench pack``: writes what other machines need to measure a suite."""

from __future__ import annotations

from pathlib import Path

import click

from effbench.cli.options import (
    Address,
    Place,
    as_json_option,
    cache_option,
    data_option,
    planned,
    results_option,
)
from effbench.text.printing import put_json, say
from effbench.text.words import counted, sized


@click.command()
@click.argument("suite")
@click.option(
    "--output",
    required=True,
    type=Place(dir_okay=False),
    metavar="FILE",
    help="The file to write, such as quickstart.effpack.",
)
@results_option
@data_option
@cache_option
@as_json_option
def pack(
    suite: str,
    output: Path,
    results: Path,
    data: Path | None,
    cache: Path | Address | None,
    as_json: bool,
) -> None:
    """Write the encoders, indexes, queries and records of a finished SUITE to one file.

    `effbench latency --pack FILE` measures them on any machine, without data or training. Cells
    that cannot be packed are named. Vectors and indexes hold what the texts of a collection
    say: share a pack only where you may share the collection. Exit code 0: written; 2: a
    mistake, or no cell is finished.
    """
    from effbench.sharing.packing import pack as write_pack

    store, plan = planned(suite, data, cache)
    manifest, nbytes = write_pack(plan, store, results.absolute(), output.absolute())
    if as_json:
        cells, left_out = list(manifest.cells), manifest.left_out
        put_json({"file": str(output), "bytes": nbytes, "cells": cells, "left_out": left_out})
        return
    say(*(f"left out: {cell}: {why}" for cell, why in manifest.left_out.items()), err=True)
    say(
        f"{output}: {counted(len(manifest.cells), 'cells')}, "
        f"{counted(len(manifest.members), 'files')}, {sized(nbytes)} "
        f"(effbench latency --pack {output} measures it)"
    )
