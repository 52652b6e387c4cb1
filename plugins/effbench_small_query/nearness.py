"""How near a student's vectors are to their targets when training has ended."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from effbench_small_query.targets import Targets, collate

SAMPLE = 1000
"""Texts that are looked at, evenly spread over those that it was trained on."""

USUAL = 0.93
"""The share of texts whose own target is the nearest that students reach: on 900 docs of
NFCorpus, those that kept over 80 % of their teacher's nDCG@10."""

FAR = 0.8
"""Below this share a remark is made. On the same docs, students that kept 9, 15, 43, 46, 49
and 71 % ended at 0.00, 0.05, 0.29, 0.43, 0.46 and 0.57. Their cosines say less: 0.54 kept
43 % and 71 %."""


class Nearness(NamedTuple):
    """What a student gives for texts of its training, without dropout."""

    looked_at: int
    """Texts."""

    cosine: float
    """The mean cosine with the targets."""

    own_target_first: float
    """The share of texts whose own target is nearer than that of any other text looked at."""

    def remarks(self) -> list[str]:
        """Say that it is far, in a sentence for a leaderboard."""
        if self.own_target_first >= FAR:
            return []
        return [
            f"it ended far from its targets: of {self.looked_at:,} texts of its training, "
            f"{self.own_target_first:.0%} have their own target nearest, where {USUAL:.0%} or "
            "more is usual; that is bad where the score is low too (train it longer, or on "
            "more texts)"
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
    cosine, share = own.mean().item(), first.float().mean().item()
    return Nearness(len(chosen), round(cosine, 4), round(share, 4))
