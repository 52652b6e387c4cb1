"""How near a student's vectors are to their targets when training has ended."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from effbench_small_query.targets import Targets, collate

SAMPLE = 1000
"""Texts that are looked at, evenly spread over those that it was trained on."""

FAR = 0.5


class Nearness(NamedTuple):
    """What a student gives for texts of its training, without dropout."""

    cosine: float
    """The mean cosine with the targets."""

    own_target_first: float
    """The share of texts whose own target is nearer than that of any other text looked at."""

    def remarks(self) -> list[str]:
        """Say that it is far, in a sentence for a leaderboard."""
        if self.own_target_first >= FAR:
            return []
        return [
            f"far from its targets: of {SAMPLE} texts that it was trained on, it gives "
            f"{self.own_target_first:.0%} a vector that is nearest to the text's own target"
        ]


@torch.inference_mode()
def nearness(network: nn.Module, texts: Targets, batch_size: int) -> Nearness:
    """Return how near the vectors of a student are to their targets."""
    network.eval()
    device = next(network.parameters()).device
    chosen = range(0, len(texts), -(-len(texts) // SAMPLE))
    found, wanted = [], []
    for start in range(0, len(chosen), batch_size):
        batch = collate([texts[item] for item in chosen[start : start + batch_size]])
        wanted.append(batch.pop("targets"))
        moved = {name: tensor.to(device) for name, tensor in batch.items()}
        found.append(network(moved)["sentence_embedding"].float().cpu())
    ours, theirs = (nn.functional.normalize(torch.cat(part)) for part in (found, wanted))
    cosines = ours @ theirs.T
    own = cosines.diagonal()
    first = (cosines <= own[:, None] + 1e-6).all(1)  # texts given twice are as near
    return Nearness(round(own.mean().item(), 4), round(first.float().mean().item(), 4))
