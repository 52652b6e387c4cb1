"""Soft prompts of given vectors, reading after them, and examples to train them on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from effbench import Doc, Examples

LETTERS = "abcdefghijklmnop"


def examples(tasks: list[int] | None = None, negatives: bool = True) -> Examples:
    """Query "a a" wants the doc of the next letter, which no backbone knows."""
    count = len(LETTERS)
    return Examples(
        [f"{letter} {letter}" for letter in LETTERS],
        [[(i + 1) % count] for i in range(count)],
        [[i] if negatives else [] for i in range(count)],
        [Doc(f"d-{letter}", f"{letter} {letter} {letter}") for letter in LETTERS],
        None,
        None,
        tasks or [0] * count,
    )


def vectors_of(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / "prompt.safetensors")


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
