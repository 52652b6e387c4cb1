"""Training of a domain's prompt with held-out queries, or of a prompt for each of its parts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from sentence_transformers.util import get_rank

from effbench import ABOUT
from effbench_soft_prompt import DomainPrompt
from effbench_soft_prompt.held_out import hold_out
from effbench_soft_prompt.parts import NAME, cut, place_of
from effbench_soft_prompt.prompts import CENTROIDS
from effbench_soft_prompt.training import train

CHECKPOINTS = "checkpoints"
"""The folder in which `fit` works; at the end of a training it is removed."""


def train_domain(options: DomainPrompt, output_dir: Path, seed: int) -> None:
    """Write the prompt of a domain, or a folder for each part and the centroids of the parts.

    Parts that an earlier attempt has finished are not trained again.

    Raises:
        EffbenchError: options, backbone and data do not fit together, or the loss is NaN.

    """
    if options.clusters == 1:
        _train_one(options, output_dir, seed)
        return
    centroids, parts = cut(options.data, options.clusters, seed)
    folders = [place_of(output_dir, number) for number in range(len(parts))]
    for folder, part in zip(folders, parts, strict=True):
        folder.mkdir(exist_ok=True)
        finished = (folder / ABOUT).exists() and not (folder / CHECKPOINTS).exists()
        if not finished:
            _train_one(replace(options, data=part), folder, seed)
    if get_rank() == 0:
        save_file({NAME: np.asarray(centroids, dtype=np.float32)}, output_dir / CENTROIDS)
        facts = {folder.name: json.loads((folder / ABOUT).read_bytes()) for folder in folders}
        (output_dir / ABOUT).write_text(json.dumps(_about(facts), indent=1), encoding="utf-8")


def _train_one(options: DomainPrompt, output_dir: Path, seed: int) -> None:
    data, held_out = hold_out(options.data, options.held_out)
    train(replace(options, data=data), output_dir, seed, held_out)


def _about(facts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the facts of all parts, with their remarks in one list."""
    remarks = [
        f"part {name}: {remark}" for name, about in facts.items() for remark in about["remarks"]
    ]
    return {"parts": facts, "remarks": remarks}
