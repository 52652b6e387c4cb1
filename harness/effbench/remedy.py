"""The command that takes a doubt about a row's time away."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

from effbench import machine
from effbench.choice import Choice
from effbench.errors import EffbenchError
from effbench.latency.gate import ADVICE
from effbench.leaderboard import Board
from effbench.suite import find


class Remedy(NamedTuple):
    """What takes a doubt about a time away."""

    end: str
    command: str


def remedy(choice: Choice) -> Remedy | None:
    """Return the command that may tell a time for sure, where one is in doubt or lacks."""
    board, taken = choice.board, choice.taken
    more = list[str]()
    if choice.rival or (taken and taken.unsure) or (not taken and choice.passed_over):
        end = f"make the latency sure, {ADVICE}"
    elif taken and taken.may_exceed(choice.terms):
        end = "narrow the interval of its time"
        more = ["--processes", str(2 * board.collected.suite.latency.processes)]
    elif not taken and choice.unmeasured:
        end = "measure the latency"
    else:
        return None
    words = ["effbench", "latency", suite_argument(board.suite), *more]
    if board.machine != machine.name():
        end += f", on {board.machine}"
    else:
        words += results_argument(board)
    return Remedy(end, shlex.join(words))


def results_argument(board: Board) -> list[str]:
    """Return what tells a command where a board's records are, if that must be said."""
    root = board.collected.folders[0].parent.parent  # which holds MACHINE/SUITE
    return [] if root.resolve() == Path("results").resolve() else ["--results", str(root)]


def suite_argument(name: str) -> str:
    """Return what a command may call a suite: its name if we ship it, else a file of that name.

    Records do not say where the suite's file lies.
    """
    for place in (name, f"{name}.yaml", f"suites/{name}.yaml"):
        try:
            find(place)
        except EffbenchError:
            continue
        return place
    return name
