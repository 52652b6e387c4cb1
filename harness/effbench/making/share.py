"""A share of a run without a cluster: process I of N makes its part, and waits for nobody.

Shards are whole or absent, and each is made by one process, so the processes need no locks
for them. A step without shards belongs to one of the processes, which its key decides. What a
process cannot make yet, since another one makes what it reads, is left to a later run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from effbench.making.ahead import lacking
from effbench.text.words import counted, shortened
from effbench.work.failures import StepFailed
from effbench.work.step import Step, in_pieces, key_of
from effbench.work.workbench import Workbench


class Share(NamedTuple):
    """Which part of a run: ``number`` from 1 to ``total``."""

    number: int
    total: int

    def of(self, shards: int) -> range:
        """Return the shards of this share; all shares together have all."""
        return range(
            shards * (self.number - 1) // self.total, shards * self.number // self.total
        )

    def has(self, key: str) -> bool:
        """Tell whether the step of a key, which has no shards, belongs to this share."""
        return int(key, 16) % self.total == self.number - 1


@dataclass
class Shared:
    """What became of a share."""

    share: Share
    made: list[str] = field(default_factory=list)
    """The labels of the steps that were made, whole or in part."""

    left: list[str] = field(default_factory=list)
    """The labels of the steps that others make, or finish."""

    failed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = f"share {self.share.number}/{self.share.total}: made {self._some(self.made)}"
        if self.failed:
            parts += f"; failed: {self._some(self.failed)}"
        return f"{parts}; left to others: {self._some(self.left)}" if self.left else parts

    @staticmethod
    def _some(labels: list[str]) -> str:
        return f"{counted(len(labels), 'steps')} ({shortened(labels)})" if labels else "nothing"


def make_share(
    share: Share,
    steps: Iterable[Step],
    bench: Workbench,
    shards: Callable[[Step], int | None],
) -> Shared:
    """Make a share of the unfinished steps; ``shards`` as `effbench.making.team.Team` has it.

    A failure is told, and the steps that read nothing of it are made.
    """
    shared = Shared(share)
    for key, step in lacking(steps, bench.store).items():
        ready = all(_finished(read, bench) for read in step.inputs)
        count = shards(step) if in_pieces(step) else None
        part = share.of(count) if count is not None else None
        mine = len(part) > 0 if part is not None else share.has(key)
        try:
            if ready and mine:
                if part is None:
                    bench.artifact(step)
                else:
                    bench.make_shards(step, part)
                shared.made.append(f"{'' if part is None else 'a part of '}{step.label}")
        except StepFailed as failure:
            bench.progress.note(f"FAILED {step.label}: {failure}")
            shared.failed.append(step.label)
        else:
            if part is not None or not (ready and mine):
                shared.left.append(step.label)
    return shared


def _finished(step: Step, bench: Workbench) -> bool:
    return bench.store.artifact(step.kind, key_of(step)).finished()
