"""The commands ``effbench prompt`` and ``effbench heat-map``."""

from __future__ import annotations

from pathlib import Path

import click

from effbench.commands import Place, say


@click.command()
@click.argument("folder", metavar="PROMPT", type=Place())
@click.option(
    "--words",
    default=20,
    type=click.IntRange(1),
    show_default=True,
    help="How many for each vector.",
)
@click.option("--backbone", help="Where its backbone is, if not where it was trained.")
def prompt(folder: Path, words: int, backbone: str | None) -> None:
    """List the words of the vocabulary that are nearest to each vector of PROMPT, by cosine.

    PROMPT is a folder with prompt.safetensors: a path, or a place in the usual cache as
    `effbench show` names it.
    """
    from effbench.files import default_root
    from effbench_soft_prompt.words import nearest

    place = folder if folder.exists() else default_root() / folder
    for side, number, pairs in nearest(place, words, backbone):
        spelled = " ".join(f"{word} {cosine:.2f}" for word, cosine in pairs)
        say(f"{side}\t{number}\t{spelled}")


@click.command("heat-map")
@click.argument("results", type=Place(exists=True, file_okay=False))
@click.argument("row")
@click.option(
    "--output",
    required=True,
    type=Place(dir_okay=False),
    help="An .html, .svg, .png or .pdf file to write.",
)
def heat_map(results: Path, row: str, output: Path) -> None:
    """Draw how alike domains are, from the records of a ROW that mixes prompts."""
    from effbench_soft_prompt.heat import draw

    draw(results, row, output)
