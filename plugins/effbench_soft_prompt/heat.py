"""The similarity of domains as a heat map, from records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import Struct

from effbench import EffbenchError
from effbench.run.recorded import Done
from effbench.run.records import SUITE, read, read_suite
from effbench.store.door import Name, Number, typed


class Mix(Struct, frozen=True):
    """What a mixed prompt says of its domain: source -> similarity, and weight if it counts."""

    similarities: dict[Name, Number]
    weights: dict[Name, Number]
    similarity: Name


def draw(results: Path, row: str, output: Path) -> None:
    """Write the heat map of a row's records under ``results``, a line for each target.

    Squares that counted have their weight written into them.

    Raises:
        EffbenchError: the row has no record of similarities, or matplotlib is not here.

    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EffbenchError(
            "heat-map needs more packages (pip install 'effbench[plots]')"
        ) from error
    found = _mixes(results, row)
    targets = sorted(found)
    sources = sorted({name for mix in found.values() for name in mix.similarities})
    values = [[found[t].similarities.get(s, np.nan) for s in sources] for t in targets]
    size = (3.0 + 0.62 * len(sources), 2.0 + 0.45 * len(targets))
    with mpl.rc_context({"svg.hashsalt": "effbench", "svg.fonttype": "none"}):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        image = axes.imshow(values, cmap="viridis", aspect="auto")
        axes.set_xticks(range(len(sources)), sources, rotation=45, ha="right")
        axes.set_yticks(range(len(targets)), targets)
        axes.set(xlabel="source", ylabel="target")
        dark = (np.nanmin(values) + np.nanmax(values)) / 2
        for i, target in enumerate(targets):
            for j, source in enumerate(sources):
                weight = found[target].weights.get(source)
                if weight is not None:
                    color = "white" if values[i][j] < dark else "black"
                    axes.text(j, i, f"{weight:.2f}", ha="center", va="center", color=color)
        figure.colorbar(image, label=f"similarity ({found[targets[0]].similarity})")
        try:
            figure.savefig(output, metadata={"Date": None} if output.suffix == ".svg" else None)
        except (OSError, ValueError) as error:
            raise EffbenchError(f"{output}: cannot be drawn: {error}") from error


def _mixes(results: Path, row: str) -> dict[str, Mix]:
    """Return what the row's model says of each dataset."""
    found: dict[str, Mix] = {}
    for suite in sorted(results.rglob(SUITE)):
        if found:
            raise EffbenchError(f"{results} holds several suites (name the folder of one)")
        for name in read_suite(suite).cells:
            path = suite.parent / f"{name}.json"
            record = read(path) if path.is_file() else None
            if not isinstance(record, Done) or record.row.name != row:
                continue
            for about in record.models.values():
                if isinstance(about, dict) and "similarities" in about:
                    found[record.dataset] = typed(about, Mix, path)
    if not found:
        raise EffbenchError(
            f"{results}: no record of a row {row!r} that mixes prompts (run its suite first)"
        )
    return found
