"""The similarity of domains as a heat map, from records."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from effbench import EffbenchError
from effbench.commands import collect, say


class Mix(msgspec.Struct, frozen=True):
    """What a mixed prompt says of its domain: source -> similarity, and weight if it counts."""

    similarities: dict[str, float]
    weights: dict[str, float]
    similarity: str


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
        axes.set_xlabel("source")
        axes.set_ylabel("target")
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
    mixes: dict[str, Mix] = {}
    for suite in collect([results]):
        say(*(f"left out: {what}" for what in suite.unreadable), err=True)
        mixed = [
            (record, about)
            for record in suite.done
            if record.row.name == row
            for about in record.models.values()
            if isinstance(about, dict) and "similarities" in about
        ]
        if mixes and mixed:
            raise EffbenchError(f"{results} holds several suites (name the folder of one)")
        for record, about in mixed:
            mixes[record.dataset] = _mix(about, f"{results}: {record.cell}")
    if not mixes:
        raise EffbenchError(
            f"{results}: no record of a row {row!r} that mixes prompts (run its suite first)"
        )
    return mixes


def _mix(about: object, where: str) -> Mix:
    try:
        return msgspec.convert(about, Mix)
    except msgspec.ValidationError as error:
        raise EffbenchError(f"{where}: {error} (run the suite again)") from error
