"""Mixture of tasks: how often each task is drawn, and whether a batch is from one task."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from effbench_soft_prompt import PromptTrainer
from effbench_training.batches import ExampleSet


class Mixture(ExampleSet):
    """Examples of several tasks, in an order that seed and epoch decide.

    ``mixture: size`` takes every example once per epoch. ``mixture: even`` takes the same
    number of examples in all, but equally many from each task; examples of small tasks are
    repeated. With ``batches: single``, a batch is from one task; the last batch of a task is
    filled up with more examples of the task. With ``batches: mixed``, a batch is drawn from all
    tasks.
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
        """Return the rows of an epoch; each epoch has the same number of rows."""
        draw = np.random.default_rng([self._seed, epoch])
        share = -(-sum(map(len, self._tasks)) // len(self._tasks))
        drawn = [
            _draw_rows(rows, share if self._even else len(rows), draw) for rows in self._tasks
        ]
        if not self._single:
            return [int(row) for row in draw.permutation(np.concatenate(drawn))]
        batches = [
            batch
            for rows in drawn
            for batch in np.split(
                _fill_up(rows, self._batch, draw), -(-len(rows) // self._batch)
            )
        ]
        return [
            int(row) for number in draw.permutation(len(batches)) for row in batches[number]
        ]


def _draw_rows(
    rows: NDArray[np.int64], count: int, draw: np.random.Generator
) -> NDArray[np.int64]:
    """Return ``count`` of ``rows``; no row is repeated before all rows were drawn."""
    times = -(-count // len(rows))
    return np.concatenate([draw.permutation(rows) for _ in range(times)])[:count]


def _fill_up(
    rows: NDArray[np.int64], batch: int, draw: np.random.Generator
) -> NDArray[np.int64]:
    """Return rows with repeated rows at the end, so that all batches have ``batch`` rows."""
    return np.concatenate([rows, draw.choice(rows, -len(rows) % batch)])
