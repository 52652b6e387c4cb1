"""Check of a trained student: how near its vectors are to their targets, and the remark."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from effbench_small_query.targets import Targets, collate

SAMPLE = 1000
"""At most so many texts are checked, spread evenly over the texts of the training."""

USUAL = 0.93
"""The usual value of `Nearness.own_target_first`: on 900 docs of NFCorpus, students that kept
over 80 % of their teacher's nDCG@10 reached it."""

FAR = 0.8
"""A smaller `Nearness.own_target_first` gets a remark. On the same docs, students that kept 9,
15, 43, 46, 49 and 71 % of the nDCG@10 had 0.00, 0.05, 0.29, 0.43, 0.46 and 0.57. The mean
cosine predicts less: of two students with 0.54, one kept 43 % and one 71 %."""


class Nearness(NamedTuple):
    """How near a student's vectors are to their targets, for texts of its training."""

    looked_at: int
    """The number of texts that were checked."""

    cosine: float
    """The mean cosine of a text's vector and its target."""

    own_target_first: float
    """The share of texts, 0 to 1, that are nearer to their target than to any other target."""

    def remarks(self) -> list[str]:
        """Return a remark for the leaderboard if the student is far from its targets."""
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
    """Return how near the vectors of a student are to their targets; dropout is off."""
    network.eval()
    device = next(network.parameters()).device
    items = range(0, len(texts), -(-len(texts) // SAMPLE))
    vectors, targets = [], []
    for start in range(0, len(items), batch_size):
        batch = collate([texts[item] for item in items[start : start + batch_size]])
        targets.append(batch.pop("targets"))
        features = {name: tensor.to(device) for name, tensor in batch.items()}
        vectors.append(network(features)["sentence_embedding"].float().cpu())
    units, unit_targets = (nn.functional.normalize(torch.cat(x)) for x in (vectors, targets))
    cosines = units @ unit_targets.T
    to_target = cosines.diagonal()
    # a text that stands twice in the data has two targets that are equally near
    first = (cosines <= to_target[:, None] + 1e-6).all(1)
    cosine, share = to_target.mean().item(), first.float().mean().item()
    return Nearness(len(items), round(cosine, 4), round(share, 4))
