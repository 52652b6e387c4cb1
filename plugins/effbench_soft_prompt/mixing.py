"""Mixing of prompts: from the sources to the files of the mixed prompt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from effbench import ABOUT
from effbench_soft_prompt import PromptMix
from effbench_soft_prompt.prompts import save_prompt
from effbench_soft_prompt.sources import gains_of, mean_prompt, sources_of
from effbench_soft_prompt.temperature import try_temperatures
from effbench_soft_prompt.weights import Numbers, similarity, weigh

NO_GAIN = "no prompt of its sources gained on its own domain: their likeness alone weighs them"


def mix(options: PromptMix, folder: Path, seed: int) -> None:
    """Write the weighted mean of the sources' prompts, and the weights into about.json.

    Raises:
        EffbenchError: the prompts have different backbones, shapes or options of encoding; or
            nothing was measured or held out where an option needs that.

    """
    target, domains = options.prompts
    sources = sources_of(domains)
    names = [source.name for source in sources]

    def named(numbers: Numbers) -> dict[str, float]:
        return dict(zip(names, numbers.tolist(), strict=True))

    kind, seeds = options.similarity, [seed, *target.name.encode()]
    similarities = np.array([similarity(target, source.domain, kind) for source in sources])
    about: dict[str, Any] = {
        "target": target.name,
        "similarity": kind,
        "similarities": named(similarities),
    }
    gains = None
    if options.weights == "gain":
        gains = gains_of(sources)
        about["gains"] = named(gains)
        about["remarks"] = [] if (gains > 0).any() else [NO_GAIN]
    if isinstance(options.temperature, str):
        tried = try_temperatures(sources, gains, options, seeds)
        temperature = max(tried, key=tried.__getitem__)
        about |= {"temperature": temperature, "held_out": tried}
    else:
        temperature = options.temperature
    weights = weigh(similarities, gains, temperature, options, seeds)
    save_prompt(mean_prompt(sources, weights), folder)
    about["weights"] = {name: weight for name, weight in named(weights).items() if weight}
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
