"""Which times can be trusted: a steady machine, similar processes, no answers from a cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from effbench.latency.gate import SPREAD, STEADY, unsteady
from effbench.latency.samples import Session, Times
from effbench.latency.spans import ENCODE, END_TO_END

CACHED = 0.5
"""An encoder keeps its answers if a repeated query takes less than this share of the time."""


class Stability(NamedTuple):
    """Whether the times of a row are stable enough to be ranked."""

    steady: float
    """The share of the row's blocks during which the machine was steady."""

    enough: bool
    """Whether at least half of the processes had a steady machine in half of their blocks."""

    spread: float
    """The standard deviation of the processes' medians, as a share of their median."""

    reasons: tuple[str, ...]
    """Why blocks were not steady, the most frequent reason first."""

    @property
    def complaint(self) -> str:
        """Say why the row is unstable; the text is empty if the row is stable."""
        if not self.enough:
            return f"in {1 - self.steady:.0%} of its blocks {self.reasons[0]}"
        if self.spread > SPREAD:
            return f"its processes differ by {self.spread:.0%}"
        return ""


def steady_times(session: Session, cell: str, span: str) -> Times:
    """Return the times of a span in steady blocks, of the processes with enough of them.

    If less than half of the processes have enough steady blocks, return all times: then the
    row is marked as unstable.
    """
    import numpy as np

    times = session.times(cell, span)
    steady = _steady_blocks(session, cell)
    enough = [process for process, blocks in steady.items() if _share(blocks) >= STEADY]
    if len(enough) < STEADY * len(steady):
        return times
    kept = {}
    for process in enough:
        if process in times:
            samples, blocks = times[process], steady[process]
            is_steady = np.array([blocks.get(block, True) for block in samples[:, 0].tolist()])
            kept[process] = samples[is_steady]
    return kept


def stability_of(session: Session, cell: str) -> Stability:
    """Return whether a row's blocks were steady and whether its processes agree."""
    import numpy as np

    reasons = Counter(filter(None, map(unsteady, session.blocks_of(cell))))
    shares = [_share(blocks) for blocks in _steady_blocks(session, cell).values()]
    times = session.times(cell, ENCODE) or session.times(cell, END_TO_END)
    medians = [float(np.median(samples[:, 2])) for samples in times.values()]
    spread = float(np.std(medians, ddof=1) / np.median(medians)) if len(medians) > 1 else 0.0
    return Stability(
        float(np.mean(shares)) if shares else 1.0,
        sum(share >= STEADY for share in shares) >= STEADY * len(shares),
        spread,
        tuple(reason for reason, _ in reasons.most_common()),
    )


def _steady_blocks(session: Session, cell: str) -> Mapping[int, Mapping[int, bool]]:
    """Return process -> block -> whether the machine was steady."""
    steady: dict[int, dict[int, bool]] = {}
    for block in session.blocks_of(cell):
        steady.setdefault(block.process, {})[block.block] = unsteady(block) is None
    return steady


def _share(blocks: Mapping[int, bool]) -> float:
    """Return the share of the blocks that were steady."""
    return sum(blocks.values()) / len(blocks)


def keeps_answers(session: Session, cell: str) -> bool:
    """Tell whether an encoder answers repeated queries from a cache: it is far faster then."""
    import numpy as np

    ratios = [
        float(np.median(process.again_ns) / np.median(process.fresh_ns))
        for process in session.header.processes
        if process.cell == cell and len(process.fresh_ns) >= 3
    ]
    return bool(ratios) and float(np.median(ratios)) < CACHED


def changed_answers(session: Session, cell: str) -> list[str]:
    """Say how many single queries got another answer than in the quality pass, by span."""
    differs = session.header.rows[cell].differs
    of = f"of {len(set(session.header.queries))}"
    return [
        f"{len(queries)} {of} queries get other hits alone than in the quality pass, where "
        "they come in batches (docs/latency.md)"
        if span == END_TO_END
        else f"{len(queries)} {of} queries get another vector in {span!r} than in {ENCODE!r}"
        for span, queries in differs.items()
    ]
