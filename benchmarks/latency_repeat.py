"""Compare the latency sessions of a suite: speed-ups agree even if times do not.

    python benchmarks/latency_repeat.py RESULTS SUITE

The program prints two tables for each dataset, and measures nothing. The first table has the
speed-ups over the baseline with their 95 % intervals, a column for each session; the column
"apart" says how far the largest speed-up is above the smallest. The second table has times. It
also says how far they are apart at equal speed of the machine, as `effbench diff` compares
them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import click

from effbench.latency.samples import Session, Times, read_session
from effbench.latency.spans import AFTER_LAST_WORD, ENCODE, END_TO_END
from effbench.statistics import figures, trust
from effbench.statistics.figures import Interval
from effbench.statistics.row_latency import RowLatency


@click.command()
@click.argument("results", type=click.Path(path_type=Path, exists=True))
@click.argument("suite")
def main(results: Path, suite: str) -> None:
    """Print two tables for each dataset that several sessions measured."""
    sessions = [
        read_session(path) for path in sorted(results.glob(f"**/{suite}/latency/*.npz"))
    ]
    for dataset in sorted({read.header.dataset for read in sessions}):
        reads = [read for read in sessions if read.header.dataset == dataset]
        if len(reads) > 1:
            print_dataset(dataset, reads)
            print_times(dataset, reads)


def print_dataset(dataset: str, reads: Sequence[Session]) -> None:
    """Print the speed-ups of a dataset, a column for each session."""
    starts = " | ".join(read.header.started.isoformat()[:16] for read in reads)
    click.echo(f"\n{dataset}, speed-up over {reads[0].header.baseline}:\n")
    click.echo(f"| row | span | {starts} | apart |")
    click.echo("| --- | --- |" + " --- |" * len(reads) + " ---: |")
    medians = [figures.percentile_of(base_of(read), 50) for read in reads]
    texts = " | ".join(median.spelled() if median else "-" for median in medians)
    click.echo(f"| *baseline, p50 ms* | {ENCODE} | {texts} | |")
    for cell in (cell for cell in reads[0].cells if all(cell in read.cells for read in reads)):
        for span in (ENCODE, AFTER_LAST_WORD):
            ratios = [ratio for read in reads if (ratio := speedup(read, cell, span))]
            if len(ratios) == len(reads):
                texts = " | ".join(ratio.spelled() for ratio in ratios)
                name = reads[0].header.rows[cell].row
                far = apart([ratio.value for ratio in ratios])
                click.echo(f"| {name} | {span} | {texts} | {far:.1%} |")


def print_times(dataset: str, reads: Sequence[Session]) -> None:
    """Print the times of the rows of a dataset, in ms."""
    click.echo(f"\n{dataset}, ms:\n")
    click.echo(
        "| row | figure | ms | apart | at equal speed of the machine | marked sessions |"
    )
    click.echo("| --- | --- | --- | ---: | ---: | ---: |")
    for cell in (cell for cell in reads[0].cells if all(cell in read.cells for read in reads)):
        rows = [RowLatency([(read, cell)]) for read in reads]
        marked = sum(bool(row.flags()) for row in rows)
        for span, percent in itertools.product((ENCODE, END_TO_END), (50, 95)):
            percentiles = [figures.percentile_of(row.times(span), percent) for row in rows]
            ms = [interval.value for interval in percentiles if interval]
            if len(ms) == len(rows):
                even = [
                    value / (row.kernel_ms() or 1) for value, row in zip(ms, rows, strict=True)
                ]
                click.echo(
                    f"| {reads[0].header.rows[cell].row} | {span} p{percent} | "
                    f"{', '.join(f'{value:.3g}' for value in ms)} | {apart(ms):.1%} | "
                    f"{apart(even):.1%} | {marked} of {len(rows)} |"
                )


def apart(values: Sequence[float]) -> float:
    """Return how far the largest value is above the smallest, as a share of the smallest."""
    return max(values) / min(values) - 1


def speedup(read: Session, cell: str, span: str) -> Interval | None:
    """Return the speed-up of a row over the baseline in a session."""
    return figures.speedup([trust.steady_times(read, cell, span)], [base_of(read)])


def base_of(read: Session) -> Times:
    """Return the times that the baseline took to encode."""
    return trust.steady_times(read, read.header.baseline, ENCODE)


if __name__ == "__main__":
    main()
