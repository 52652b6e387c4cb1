"""What may be said of a row in one sentence."""

from __future__ import annotations

from effbench.board.leaderboard import Board
from effbench.latency.spans import ENCODE, END_TO_END
from effbench.statistics.figures import Interval


def sentence(board: Board, number: int) -> str:
    """Say what a line keeps of the baseline's quality, and at what speed."""
    line, baseline, measure = board.lines[number], board.baselines[number], board.measures[0]
    if baseline is None or board.baseline is None:
        return ""
    same = baseline == board.baseline
    if number == baseline:
        return "The baseline." if same else "The baseline, through this index."
    other = board.lines[baseline].row if same else board.lines[baseline].name
    standing = board.standings(measure).get(number)
    if standing is None or standing.kept is None:
        there = sum(line.score(measure, own) is not None for own in board.units.values())
        if there == len(board.units):
            return f"{other} has no {measure} above 0 of which a share could be kept."
        return (
            f"Has {there} of {len(board.units)} datasets: no average to set beside {other}'s."
        )
    quality = f"{share(standing.kept)} of {other}'s {measure}"
    chance = f" (a difference that may be chance, p {standing.p:.2g})"
    verb = "Keeps" if standing.kept.value < 1 else "Reaches"
    said = f"{verb} {quality}{chance if (standing.p or 0) >= 0.05 else ''}"
    measured = board.measured[number]
    if flags := measured.flags():
        return f"{said}; its speed is not ranked (latency {', '.join(flags)})."
    if measured.cells and (flags := board.baseline_measured.flags()):
        timed = other if same else board.lines[board.baseline].name
        return f"{said}; its speed is not ranked (latency of {timed} {', '.join(flags)})."
    ratios = {s: measured.speedup(board.baseline_measured, s) for s in (END_TO_END, ENCODE)}
    speeds = [f"{ratio.spelled()}x the speed ({s})" for s, ratio in ratios.items() if ratio]
    over = "" if same else f", over {board.lines[board.baseline].name}"
    return f"{said} at {' and '.join(speeds)}{over}." if speeds else f"{said}."


def share(found: Interval) -> str:
    """Return a share with its interval in per cent."""
    if found.low is None or found.high is None:
        return f"{found.value:.1%}"
    return f"{found.value:.1%} [{found.low * 100:.1f}, {found.high * 100:.1f}]"
