"""The options --budget and --keep of ``effbench leaderboard``, and how they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from effbench.api.errors import EffbenchError
from effbench.text.amounts import amount
from effbench.text.printing import put_json, say
from effbench.text.words import plain_line

if TYPE_CHECKING:
    from effbench.board.choice import Terms
    from effbench.board.leaderboard import Board

_MILLISECONDS = {"": 1.0, "us": 1e-3, "ms": 1.0, "s": 1e3}

NOT_SURE = 3
"""The exit code if the answer, as JSON, is not sure or names no row."""


def terms_of(budget: str | None, keep: str | None, span: str, percentile: str) -> Terms:
    """Return the terms that the options set.

    Raises:
        EffbenchError: an option is not a time, not a share, or not a known span.

    """
    from effbench.board.choice import Terms
    from effbench.statistics.row_latency import SHOWN

    terms = Terms(
        None if budget is None else milliseconds(budget),
        None if keep is None else share_kept(keep),
        span,
        int(percentile),
    )
    if span not in SHOWN:
        raise click.UsageError(f"--span {span}: no such span (known: {', '.join(SHOWN)})")
    return terms


def check_form(form: str | None, output: Path | None, columns: Sequence[str]) -> None:
    """Refuse options that write a whole board, since the user asks for a row.

    Raises:
        click.UsageError: such an option was given.

    """
    if form not in (None, "json") or output or columns:
        raise click.UsageError(
            "--budget and --keep name a row and write no board (leave out --output, "
            "--columns, and --format unless it is json)"
        )


def answer(boards: Sequence[Board], terms: Terms, *, as_json: bool) -> int:
    """Print the row to take from each board, and return the exit code."""
    from effbench.board.choice import Answer, choose
    from effbench.board.recommendation import facts, lines

    recommendations = [choose(board, terms) for board in boards]
    if not as_json:
        for recommendation in recommendations:
            say(*lines(recommendation, [board.machine for board in boards]))
        return 0
    put_json([facts(recommendation) for recommendation in recommendations])
    sure = all(recommendation.answer is Answer.SURE for recommendation in recommendations)
    return 0 if sure else NOT_SURE


def milliseconds(text: str) -> float:
    """Return the milliseconds in a text such as 5ms, 800us or 0.2s.

    Raises:
        EffbenchError: the text is not a time above 0.

    """
    number, unit = amount(text)
    if number <= 0 or unit not in _MILLISECONDS:
        raise EffbenchError(
            f"--budget {plain_line(text, 40)}: not a time (write 5ms, 800us or 0.2s)"
        )
    return number * _MILLISECONDS[unit]


def share_kept(text: str) -> float:
    """Return the share in a text such as 0.97 or 97%, as a number above 0 and up to 1.

    Raises:
        EffbenchError: the text is not such a share.

    """
    number, unit = amount(text)
    share = number / 100 if unit == "%" else number
    if unit not in ("", "%") or not 0 < share <= 1:
        problem = "not a share above 0 and up to 1 (write 0.97 or 97%)"
        raise EffbenchError(f"--keep {plain_line(text, 40)}: {problem}")
    return share
