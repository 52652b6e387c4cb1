"""The command that removes a doubt about times: measure again, or with more processes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from effbench.api.errors import EffbenchError
from effbench.board.choice import Recommendation
from effbench.board.leaderboard import Board
from effbench.latency.gate import ADVICE
from effbench.machine import facts
from effbench.plan.located import text_of
from effbench.plan.suite import find

UNKNOWN = "SUITE-FILE"
"""The placeholder for the file of a suite that we cannot find."""


class Remedy(NamedTuple):
    """A command that removes a doubt about a time."""

    purpose: str
    """The purpose of the command, after "to"."""

    command: str


def remedy(recommendation: Recommendation) -> Remedy | None:
    """Return the command that may make a time sure, if one is in doubt or missing."""
    board, taken = recommendation.board, recommendation.taken
    more = list[str]()
    passed_over = not taken and recommendation.passed_over
    if recommendation.rival or (taken and taken.unsure) or passed_over:
        purpose = f"make the latency sure, {ADVICE}"
    elif taken and taken.may_exceed(recommendation.terms):
        purpose = "narrow the interval of its time"
        more = ["--processes", str(2 * board.collected.suite.latency.processes)]
    elif not taken and recommendation.unmeasured:
        purpose = "measure the latency"
    else:
        return None
    words = ["effbench", "latency", suite_argument(board), *more]
    if board.machine != facts.name():
        purpose += f", on {board.machine}"
    else:
        words += results_argument(board)
    return Remedy(purpose, shlex.join(words))


def results_argument(board: Board) -> list[str]:
    """Return the --results option for a board's records; empty if it is the default."""
    root = _root(board)
    return [] if root.resolve() == Path("results").resolve() else ["--results", str(root)]


def suite_argument(board: Board) -> str:
    """Return the argument SUITE for a board: the name of a suite that we ship, else its file.

    Records do not say where the file is. We look in the current folder, in ``suites`` and
    beside the results.
    """
    if _is_suite(board.suite, board.suite):
        return board.suite
    beside = _root(board).parent
    for folder in (Path(), Path("suites"), beside):
        for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            if _is_suite(str(path), board.suite):
                return str(path)
    return UNKNOWN


def _is_suite(place: str, suite: str) -> bool:
    """Tell whether a command that gets ``place`` as SUITE would read this suite."""
    try:
        text = text_of(find(place))
    except EffbenchError:
        return False
    line = rf"""(?m)^suite:[ ]*(["']?){re.escape(suite)}\1[ ]*(#.*)?$"""
    return re.search(line, text) is not None


def _root(board: Board) -> Path:
    return board.collected.folders[0].parent.parent  # a folder is ROOT/MACHINE/SUITE
