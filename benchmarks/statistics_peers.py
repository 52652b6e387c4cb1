"""Compare p-values of published results with the p-values of ranx (pip install ranx).

    python benchmarks/statistics_peers.py FOLDER --baseline minilm

FOLDER is the folder of a suite in results. Each cell is compared with the baseline's cell on
the same dataset. The table has p-values of effbench's paired randomisation test, of ranx's,
and of ranx's t-test, all from the same values of single queries.
"""

from __future__ import annotations

from pathlib import Path

import click

from effbench.board.collected import collect
from effbench.statistics.significance import PairedValues, values_of


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--baseline", required=True)
def main(folder: Path, baseline: str) -> None:
    """Print a Markdown table with a line for each cell."""
    from ranx.statistical_tests.fisher_randomization_test import fisher_randomization_test
    from ranx.statistical_tests.paired_student_t_test import paired_student_t_test

    (results,) = collect([folder])
    measure = results.suite.measures[0]
    base = {record.dataset: record for record in results.done if record.row.name == baseline}
    click.echo("| cell | effbench | ranx, Fisher | ranx, t |")
    click.echo("| --- | ---: | ---: | ---: |")
    for record in results.done:
        if record.row.name == baseline:
            continue
        pair = [compared.per_query[measure] for compared in (record, base[record.dataset])]
        values = values_of(pair)
        row, base_row = (column.copy() for column in values.T)
        p_value = PairedValues([values]).p_values(1)[0]
        fisher, _ = fisher_randomization_test(row, base_row, n_permutations=10_000)
        student, _ = paired_student_t_test(row, base_row, 0.05)
        click.echo(f"| {record.cell} | {p_value:.4f} | {fisher:.4f} | {student:.4f} |")


if __name__ == "__main__":
    main()
