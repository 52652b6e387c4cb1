"""Whether a row's times may be trusted: a steady machine, like processes, honest answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from effbench.latency.gate import SPREAD, STEADY, unsteady
from effbench.latency.samples import Session, Times
from effbench.latency.spans import ENCODE, END_TO_END

CACHED = 0.5
"""Share of its first time that a repeated query takes an encoder that keeps its answers."""


class Stability(NamedTuple):
    """Whether what was measured of a row may be ranked."""

    steady: float
    """Share of its blocks during which the machine was steady."""

    enough: bool
    """Whether half of its processes had that in half of their blocks or more."""

    spread: float
    """Standard deviation of its processes' medians, of their median."""

    reasons: tuple[str, ...]
    """Why blocks were not steady, the most frequent reason first."""

    @property
    def complaint(self) -> str:
        """Say why the row is unstable; empty when it is not."""
        if not self.enough:
            return f"in {1 - self.steady:.0%} of its blocks {self.reasons[0]}"
        if self.spread > SPREAD:
            return f"its processes differ by {self.spread:.0%}"
        return ""


def steady_times(session: Session, cell: str, span: str) -> Times:
    """Return what a span took in the steady blocks of those processes that have enough of them.

    Where less than half of the processes have, everything is returned (and the row is marked).
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
            one, blocks = times[process], steady[process]
            kept[process] = one[np.array([blocks.get(b, True) for b in one[:, 0].tolist()])]
    return kept


def stability_of(session: Session, cell: str) -> Stability:
    """Return whether a row's blocks were steady and its processes agree."""
    import numpy as np

    reasons = Counter(filter(None, map(unsteady, session.blocks_of(cell))))
    shares = [_share(blocks) for blocks in _steady_blocks(session, cell).values()]
    whole = session.times(cell, ENCODE) or session.times(cell, END_TO_END)
    medians = [float(np.median(one[:, 2])) for one in whole.values()]
    spread = float(np.std(medians, ddof=1) / np.median(medians)) if len(medians) > 1 else 0.0
    return Stability(
        float(np.mean(shares)) if shares else 1.0,
        sum(share >= STEADY for share in shares) >= STEADY * len(shares),
        spread,
        tuple(reason for reason, _ in reasons.most_common()),
    )


def _steady_blocks(session: Session, cell: str) -> Mapping[int, Mapping[int, bool]]:
    """Return process -> block -> whether the machine was steady."""
    found: dict[int, dict[int, bool]] = {}
    for block in session.blocks_of(cell):
        found.setdefault(block.process, {})[block.block] = unsteady(block) is None
    return found


def _share(blocks: Mapping[int, bool]) -> float:
    return sum(blocks.values()) / len(blocks)


def keeps_answers(session: Session, cell: str) -> bool:
    """Tell whether an encoder is far faster when it is asked again: it looks its answers up."""
    import numpy as np

    ratios = [
        float(np.median(again) / np.median(fresh))
        for one in session.header.processes
        for fresh, again in [(one.fresh_ns, one.again_ns)]
        if one.cell == cell and len(fresh) >= 3
    ]
    return bool(ratios) and float(np.median(ratios)) < CACHED


def other_answers(session: Session, cell: str) -> list[str]:
    """Say how many single queries were answered otherwise than in the quality pass."""
    differs = session.header.rows[cell].differs
    of = f"of {len(set(session.header.queries))}"
    return [
        f"{len(queries)} {of} queries get other hits alone than in the quality pass, where "
        "they come in batches (docs/latency.md)"
        if span == END_TO_END
        else f"{len(queries)} {of} queries get another vector in {span!r} than in {ENCODE!r}"
        for span, queries in differs.items()
    ]
