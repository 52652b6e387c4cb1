"""The command that takes a doubt about a row's time away."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from effbench.api.errors import EffbenchError
from effbench.board.choice import Choice
from effbench.board.leaderboard import Board
from effbench.latency.gate import ADVICE
from effbench.machine import facts
from effbench.plan.located import text_of
from effbench.plan.suite import find

UNKNOWN = "SUITE-FILE"
"""What stands for the file of a suite that is not where people have it."""


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
    words = ["effbench", "latency", suite_argument(board), *more]
    if board.machine != facts.name():
        end += f", on {board.machine}"
    else:
        words += results_argument(board)
    return Remedy(end, shlex.join(words))


def results_argument(board: Board) -> list[str]:
    """Return what tells a command where a board's records are, if that must be said."""
    root = _root(board)
    return [] if root.resolve() == Path("results").resolve() else ["--results", str(root)]


def suite_argument(board: Board) -> str:
    """Return what a command may call a board's suite: its name if we ship it, else its file.

    Records do not say where the file lies: it is looked for here, in ``suites``, and beside the
    results.
    """
    if _tells(board.suite, board.suite):
        return board.suite
    beside = _root(board).parent
    for folder in (Path(), Path("suites"), beside):
        for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            if _tells(str(path), board.suite):
                return str(path)
    return UNKNOWN


def _tells(place: str, suite: str) -> bool:
    """Tell whether what a command finds by this name is the file of a suite."""
    try:
        text = text_of(find(place))
    except EffbenchError:
        return False
    line = rf"""(?m)^suite:[ ]*(["']?){re.escape(suite)}\1[ ]*(#.*)?$"""
    return re.search(line, text) is not None


def _root(board: Board) -> Path:
    return board.collected.folders[0].parent.parent  # which holds MACHINE/SUITE
