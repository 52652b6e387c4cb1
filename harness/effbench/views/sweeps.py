"""The columns of a table for swept rows: their family, and the label of each swept option."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from effbench.board.lines import Line
from effbench.run.recorded import Sweep
from effbench.statistics.row_latency import Value


def sweep_columns(lines: Sequence[Line]) -> list[dict[str, Value]]:
    """Return for each line its values in the columns of sweeps; there are none without sweeps.

    All lines have the same columns. The values of a line that no sweep made are None.
    """
    of_rows = _columns("", [line.sweep for line in lines])
    of_indexes = _columns("index ", [line.index_sweep for line in lines])
    return [row | index for row, index in zip(of_rows, of_indexes, strict=True)]


def merged(sweeps: Iterable[Sweep | None]) -> Sweep | None:
    """Return a sweep with the options of all sweeps, or None if there is none."""
    settings = {k: v for sweep in sweeps if sweep for k, v in sweep.settings.items()}
    return Sweep("", settings) if settings else None


def _columns(kind: str, sweeps: Sequence[Sweep | None]) -> list[dict[str, Value]]:
    whole = merged(sweeps)
    if whole is None:
        return [{} for _ in sweeps]
    nothing: dict[str, Value] = dict.fromkeys(_named(kind, "", whole))
    return [nothing | (_named(kind, sweep.family, sweep) if sweep else {}) for sweep in sweeps]


def _named(kind: str, family: str, sweep: Sweep) -> dict[str, Value]:
    labels = {f"{kind}setting {option}": label for option, label in sweep.settings.items()}
    return {f"{kind}family": family, **labels}
