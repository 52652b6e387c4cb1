"""The temperature of a mix, chosen on the held-out queries of the sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from effbench import EffbenchError, tell_steps
from effbench_soft_prompt import PromptMix
from effbench_soft_prompt.held_out import load_held_out, ndcg
from effbench_soft_prompt.prompts import open_backbone
from effbench_soft_prompt.sources import Source, mean_prompt
from effbench_soft_prompt.weights import Numbers, similarity, weigh

TEMPERATURES = (1.0, 0.3, 0.1, 0.03)
"""The method's are 0.1 to 1. Of two that are equally good, the first is taken: the flatter."""


def try_temperatures(
    sources: Sequence[Source], gains: Numbers | None, options: PromptMix, seed: Sequence[int]
) -> dict[float, float]:
    """Return the mean nDCG@10 of each temperature, in the order of `TEMPERATURES`.

    Each source is a target once: its held-out queries are searched with the mix of the sources
    of other datasets.

    Raises:
        EffbenchError: the sources are of one dataset, or one has no held-out queries.

    """
    if len({source.dataset for source in sources}) < 2:
        raise EffbenchError(
            "prompt-mix: temperature: held-out needs sources of two datasets (name more in of)"
        )
    held_out = [load_held_out(source.folder, source.name) for source in sources]
    opened = open_backbone(*sources[0].prompt.backbone[:2], device="auto")
    scores: dict[float, list[float]] = {temperature: [] for temperature in TEMPERATURES}
    trials = len(sources) * len(TEMPERATURES)
    for number, target in enumerate(sources):
        rows = [row for row, each in enumerate(sources) if each.dataset != target.dataset]
        others = [sources[row] for row in rows]
        kind = options.similarity
        similarities = np.array([similarity(target.domain, s.domain, kind) for s in others])
        gained = None if gains is None else gains[rows]
        for trial, temperature in enumerate(TEMPERATURES):
            tell_steps(number * len(TEMPERATURES) + trial, trials)
            weights = weigh(similarities, gained, temperature, options, seed)
            prompt = mean_prompt(others, weights)
            scores[temperature].append(ndcg(prompt, opened, held_out[number]))
    tell_steps(trials, trials)
    return {temperature: float(np.mean(values)) for temperature, values in scores.items()}
