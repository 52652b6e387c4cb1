"""The sentence that sums up a row: the quality that it keeps, and its speed."""

from __future__ import annotations

from effbench.board.leaderboard import Board
from effbench.latency.spans import ENCODE, END_TO_END
from effbench.statistics.figures import Interval
from effbench.statistics.significance import SIGNIFICANT


def sentence(board: Board, number: int) -> str:
    """Say which share of the baseline's quality a line keeps, and how fast it is."""
    line, baseline, measure = board.lines[number], board.baselines[number], board.measures[0]
    if baseline is None or board.baseline is None:
        return ""
    same = baseline == board.baseline
    if number == baseline:
        return "The baseline."
    first = board.lines[baseline]
    reference = first.row if same and line.row != first.row else first.name
    standing = board.standings(measure).get(number)
    if standing is None or standing.kept is None:
        scores = [line.score(measure, weights) for weights in board.units.values()]
        count = sum(score is not None for score in scores)
        if count == len(scores):
            return f"{reference} has no {measure} above 0 of which a share could be kept."
        return f"Has {count} of {len(scores)} datasets: no average to set beside {reference}'s."
    quality = f"{share(standing.kept)} of {reference}'s {measure}"
    chance = f" (a difference that may be chance, p {standing.p:.2g})"
    verb = "Keeps" if standing.kept.value < 1 else "Reaches"
    unsure = (standing.p or 0) >= SIGNIFICANT
    return f"{verb} {quality}{chance if unsure else ''}{_speed(board, number, reference)}."


def _speed(board: Board, number: int, reference: str) -> str:
    """Say how fast a line is, or why its speed is not ranked; empty if it has no latency."""
    if board.baseline is None:
        return ""
    latency, baseline = board.latencies[number], board.baseline_latency
    same = board.baselines[number] == board.baseline
    if flags := latency.flags():
        return f"; its speed is not ranked (latency {', '.join(flags)})"
    if latency.cells and (flags := baseline.flags()):
        timed = reference if same else board.lines[board.baseline].name
        return f"; its speed is not ranked (latency of {timed} {', '.join(flags)})"
    ratios = {span: latency.speedup(baseline, span) for span in (END_TO_END, ENCODE)}
    speeds = [f"{ratio.spelled()}x the speed ({s})" for s, ratio in ratios.items() if ratio]
    over = "" if same else f", over {board.lines[board.baseline].name}"
    return f" at {' and '.join(speeds)}{over}" if speeds else ""


def share(interval: Interval) -> str:
    """Return a share with its interval in per cent."""
    if interval.low is None or interval.high is None:
        return f"{interval.value:.1%}"
    return f"{interval.value:.1%} [{interval.low * 100:.1f}, {interval.high * 100:.1f}]"
