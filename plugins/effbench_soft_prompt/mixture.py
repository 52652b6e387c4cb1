"""A mixture of tasks: how often each is drawn, and of how many a batch is."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from effbench_soft_prompt import PromptTrainer
from effbench_training.batches import ExampleSet


class Mixture(ExampleSet):
    """Examples of several tasks, in an order that seed and epoch decide.

    ``size``: every example once an epoch. ``even``: as many examples in all, each task an
    equal share, small tasks repeated. ``single``: a batch is of one task, its last one filled
    up from the same; ``mixed``: from all.
    """

    def __init__(self, options: PromptTrainer, seed: int) -> None:
        super().__init__("prompt", options.data, options.negatives, seed)
        self._even = options.mixture == "even"
        self._single = options.batches == "single"
        self._batch = options.batch_size
        tasks: dict[int, list[int]] = defaultdict(list)
        for row, task in enumerate(options.data.tasks):
            tasks[task].append(row)
        self._tasks = [np.array(rows) for _, rows in sorted(tasks.items())]

    def order(self, epoch: int) -> list[int]:
        """Return the rows of an epoch; always as many."""
        draw = np.random.default_rng([self._seed, epoch])
        share = -(-sum(map(len, self._tasks)) // len(self._tasks))
        drawn = [_drawn(rows, share if self._even else len(rows), draw) for rows in self._tasks]
        if not self._single:
            return [int(row) for row in draw.permutation(np.concatenate(drawn))]
        batches = [
            one
            for rows in drawn
            for one in np.split(_filled(rows, self._batch, draw), -(-len(rows) // self._batch))
        ]
        return [
            int(row) for number in draw.permutation(len(batches)) for row in batches[number]
        ]


def _drawn(rows: NDArray[np.int64], count: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """Return ``count`` rows, none again before all others were drawn."""
    times = -(-count // len(rows))
    return np.concatenate([draw.permutation(rows) for _ in range(times)])[:count]


def _filled(
    rows: NDArray[np.int64], batch: int, draw: np.random.Generator
) -> NDArray[np.int64]:
    """Return rows with some of them again, so that they make whole batches."""
    return np.concatenate([rows, draw.choice(rows, -len(rows) % batch)])
