"""A row against others, query by query, from the records of a suite.

For every dataset: the difference of the means, and the p-value of a paired randomisation test
(signs of the per-query differences flipped at random), corrected for the number of
datasets and rows by Holm's method. ``*`` marks p < 0.05.

    python benchmarks/compare_rows.py results --suite soft-prompt --row transfer --against base
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from effbench.api.errors import EffbenchError
from effbench.run.recorded import Done
from effbench.run.records import SUITE, read, read_suite
from effbench.statistics.significance import SIGNIFICANT, PairedValues, holm, values_of

Values = dict[str, dict[str, dict[str, float]]]  # row -> dataset -> query_id -> value


@click.command()
@click.argument("results", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--suite", required=True)
@click.option("--row", required=True)
@click.option("--against", required=True, multiple=True)
@click.option("--measure", default="nDCG@10", show_default=True)
@click.option("--resamples", default=100_000, show_default=True)
def main(
    results: Path, suite: str, row: str, against: Sequence[str], measure: str, resamples: int
) -> None:
    """Print a Markdown table: a line a dataset, a column a row of comparison."""
    values, datasets = per_query(results, suite, measure)
    for name in (row, *against):
        if name not in values:
            raise click.ClickException(f"no row {name!r} (there are: {', '.join(values)})")
    pairs = [(dataset, other) for dataset in datasets for other in against]
    found = [compare(values[row][d], values[other][d], resamples) for d, other in pairs]
    corrected = holm([p for _, p in found])
    cells = {
        pair: f"{difference:+.4f} (p {p:.4f}{'*' if p < SIGNIFICANT else ''})"
        for pair, (difference, _), p in zip(pairs, found, corrected, strict=True)
    }
    click.echo(f"| dataset | queries | {row} | " + " | ".join(f"- {o}" for o in against) + " |")
    click.echo("| --- | ---: | ---: |" + " ---: |" * len(against))
    for dataset in datasets:
        own = values[row][dataset]
        mean = np.mean(list(own.values()))
        columns = " | ".join(cells[dataset, other] for other in against)
        click.echo(f"| {dataset} | {len(own)} | {mean:.4f} | {columns} |")


def per_query(results: Path, suite: str, measure: str) -> tuple[Values, list[str]]:
    """Return the values of a suite's rows, and its datasets in order."""
    found = [path for path in results.glob(f"**/{SUITE}") if path.parent.name == suite]
    if len(found) != 1:
        raise click.ClickException(
            f"{len(found)} folders named {suite} in {results} (name one)"
        )
    facts = read_suite(found[0])
    values: Values = {}
    for name in facts.cells:
        try:
            record = read(found[0].parent / f"{name}.json")
        except EffbenchError as error:
            raise click.ClickException(str(error)) from error
        if not isinstance(record, Done):
            raise click.ClickException(f"{name}: {record.error}")
        by_dataset = values.setdefault(record.row.name, {})
        by_dataset[record.dataset] = record.per_query[measure]
    return values, [dataset.name for dataset in facts.datasets]


def compare(
    one: dict[str, float], other: dict[str, float], resamples: int
) -> tuple[float, float]:
    """Return the mean difference and the p-value of the paired randomisation test."""
    pairs = PairedValues([values_of([one, other])], resamples=resamples)
    return float(pairs.means[0] - pairs.means[1]), pairs.p_values(1)[0]


if __name__ == "__main__":
    main()
