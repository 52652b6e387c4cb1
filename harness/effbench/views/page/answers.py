"""The data of the page's answer: what ``answer.js`` chooses from, and the texts of each row."""

from __future__ import annotations

from typing import Any

from effbench.board.candidates import Terms, candidates
from effbench.board.demand import service_of
from effbench.board.headline import brief, doubt, merits
from effbench.board.leaderboard import Board
from effbench.board.marks import WORDS, Bearing, every_mark, unplaced
from effbench.views.page.columns import PERCENTS


def answer_facts(board: Board) -> dict[str, Any]:
    """Return what the page needs to name the row to ship, for JSON.

    ``rows`` has the lines of the board in their order; the times of a line are in a field for
    each percentile. ``asked`` maps the words of marks that bar a line unless the reader allows
    them to their labels.
    """
    marks = [list(every_mark(board, number)) for number in range(len(board.lines))]
    rows: list[dict[str, Any]] = [
        {
            "name": line.name,
            "marks": [
                [WORDS.get(mark.kind), mark.label]
                for mark in marks[number]
                if mark.bearing is not Bearing.BESIDE
            ],
            "service": service_of(board, number),
        }
        for number, line in enumerate(board.lines)
    ]
    for percent in PERCENTS:
        terms = Terms(percent=percent, allowed=frozenset(WORDS.values()))
        for number, why in unplaced(board, terms.span, percent).items():
            rows[number][f"p{percent}"] = {"unplaced": why}
        for row in candidates(board, terms, marks):
            beaten_by = row.standing.beaten_by
            rows[row.number] |= {
                "score": row.standing.score.value,
                "kept": row.kept,
                "beaten_by": None if beaten_by is None else sorted(beaten_by),
                "doubt": doubt(row),
            }
            rows[row.number].setdefault(f"p{percent}", {}).update(
                ms=row.time, merits=merits(board, row, terms), brief=brief(row)
            )
    words = {mark.kind: WORDS[mark.kind] for of in marks for mark in of if mark.kind in WORDS}
    return {"rows": rows, "asked": {word: kind for kind, word in words.items()}}
