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

    (found,) = collect([folder])
    measure = found.suite.measures[0]
    base = {one.dataset: one for one in found.done if one.row.name == baseline}
    click.echo("| cell | effbench | ranx, Fisher | ranx, t |")
    click.echo("| --- | ---: | ---: | ---: |")
    for record in found.done:
        if record.row.name == baseline:
            continue
        pair = [one.per_query[measure] for one in (record, base[record.dataset])]
        values = values_of(pair)
        own, other = (column.copy() for column in values.T)
        ours = PairedValues([values]).p_values(1)[0]
        fisher, _ = fisher_randomization_test(own, other, n_permutations=10_000)
        student, _ = paired_student_t_test(own, other, 0.05)
        click.echo(f"| {record.cell} | {ours:.4f} | {fisher:.4f} | {student:.4f} |")


if __name__ == "__main__":
    main()
