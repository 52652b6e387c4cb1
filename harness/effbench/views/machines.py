"""Tables of suites that ran on several machines: quality once, latency by machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from effbench.board.leaderboard import Board, shared_board
from effbench.views.tables import NAMES, Table, table

QUALITY, LATENCY = "quality", "latency"


def tables(boards: Sequence[Board]) -> list[Table]:
    """Return the tables of boards for people.

    A suite on one machine has one table. A suite on several machines has a table of quality,
    and after it a table of latency for each machine.
    """
    suites: dict[str, list[Board]] = {}
    for board in boards:
        suites.setdefault(board.suite, []).append(board)
    shown = []
    for same_suite in suites.values():
        if len(same_suite) == 1:
            shown.append(table(same_suite[0]))
        else:
            shown.append(_quality(shared_board(same_suite)))
            shown += [_latency(board) for board in same_suite]
    return shown


def _quality(board: Board) -> Table:
    whole = table(board)
    names = [name for name in whole.columns if name not in whole.of_machine]
    return replace(whole, part=QUALITY, columns=tuple(names))


def _latency(board: Board) -> Table:
    """Return the latencies of a board, in its order; lines without any figure are left out."""
    whole = table(board)
    names = [name for name in whole.columns if name in whole.of_machine]
    lines = [
        line for line in whole.lines if any(line.get(name) not in (None, "") for name in names)
    ]
    return replace(
        whole,
        part=LATENCY,
        columns=(*NAMES, *names),
        lines=tuple(lines),
        remarks=tuple(board.latency_remarks),
        scores=(),
    )
