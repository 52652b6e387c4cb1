"""End of a training: the model, its facts and its loss curve are moved to their place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from effbench import ABOUT

MODEL_FILE = "modules.json"
"""The file that makes a folder a model for Sentence Transformers; it is written last."""


def finish(
    checkpoints: Path,
    output_dir: Path,
    save: Callable[[Path], Mapping[str, Any]],
    steps: Mapping[str, int],
    history: Sequence[Mapping[str, float]],
) -> None:
    """Write the model with its facts into ``output_dir``, then remove ``checkpoints``.

    ``save`` is that of `effbench_training.loop.fit`; ``steps`` are facts for about.json. The
    entries of ``history`` that have a ``loss`` are the loss curve, which becomes loss.json.
    """
    curve = [entry for entry in history if "loss" in entry]
    model = checkpoints / "model"
    shutil.rmtree(model, ignore_errors=True)
    about = {**steps, **_ends(curve), **save(model)}
    about["remarks"] = [*about.get("remarks", ()), *_remarks(curve)]
    (model / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
    (model / "loss.json").write_text(json.dumps(curve), encoding="utf-8")
    _move(model, output_dir)
    shutil.rmtree(checkpoints)


def _ends(curve: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean loss of the first tenth of a curve, and of its last tenth."""
    tenth = -(-len(curve) // 10)
    ends = {"first_loss": curve[:tenth], "last_loss": curve[-tenth:]}
    return {
        name: sum(entry["loss"] for entry in entries) / tenth for name, entries in ends.items()
    }


def _remarks(curve: Sequence[Mapping[str, float]]) -> list[str]:
    """Return a remark for the leaderboard if the loss did not fall."""
    first, last = _ends(curve).values()
    if last < first:
        return []
    return [f"its loss did not fall ({first:.4g} when training began, {last:.4g} at the end)"]


def _move(model: Path, output_dir: Path) -> None:
    """Move the files of a model to ``output_dir``, `MODEL_FILE` last."""
    for path in sorted(model.iterdir(), key=lambda path: path.name == MODEL_FILE):
        target = output_dir / path.name
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)
