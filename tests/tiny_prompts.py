"""Soft prompts of given vectors, and reading after them."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def prompt_of(folder: Path, backbone: str, vectors, pooling: str = "mean", **reading) -> Path:
    """Write a prompt of given vectors."""
    import torch

    from effbench_soft_prompt.prompts import Prompt, Reading, open_backbone, save_prompt

    rows = torch.as_tensor(vectors, dtype=torch.float32)
    read = {"normalize": False, "query_max_length": 16, "max_length": 20, **reading}
    belongs = open_backbone(backbone, None).backbone
    save_prompt(Prompt(rows, rows, belongs, Reading(pooling, **read)), folder)
    return folder


def encoder(folder: Path, **options):
    from effbench_soft_prompt import soft_prompt

    return soft_prompt(folder, device="cpu", **options)


def words_of(backbone: str, words: list[str]) -> np.ndarray:
    from effbench_soft_prompt.prompts import open_backbone

    opened = open_backbone(backbone, None)
    ids = opened.tokenizer.convert_tokens_to_ids(words)
    return opened.network.get_input_embeddings().weight.detach()[ids].numpy()
