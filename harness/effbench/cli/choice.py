"""What ``effbench leaderboard --budget TIME --keep SHARE`` takes, and how it answers."""

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
"""The exit code of an answer as JSON that is not sure, or names no row."""


def terms_of(budget: str | None, keep: str | None, span: str, percentile: str) -> Terms:
    """Return what the options ask.

    Raises:
        EffbenchError: one of them is no time, share or span.

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
    """Refuse the forms of a board, where a row is asked for.

    Raises:
        click.UsageError: one of them was given.

    """
    if form not in (None, "json") or output or columns:
        raise click.UsageError(
            "--budget and --keep name a row and write no board (leave out --output, "
            "--columns, and --format unless it is json)"
        )


def answer(boards: Sequence[Board], terms: Terms, *, as_json: bool) -> int:
    """Print which row of each board to take, and return the exit code."""
    from effbench.board.choice import Answer, choose
    from effbench.board.recommendation import facts, lines

    choices = [choose(board, terms) for board in boards]
    if not as_json:
        for choice in choices:
            say(*lines(choice, [board.machine for board in boards]))
        return 0
    put_json([facts(choice) for choice in choices])
    return 0 if all(choice.answer is Answer.SURE for choice in choices) else NOT_SURE


def milliseconds(text: str) -> float:
    """Return the ms that a text such as 5ms, 800us or 0.2s says.

    Raises:
        EffbenchError: it says none.

    """
    number, unit = amount(text)
    if number <= 0 or unit not in _MILLISECONDS:
        raise EffbenchError(
            f"--budget {plain_line(text, 40)}: not a time (write 5ms, 800us or 0.2s)"
        )
    return number * _MILLISECONDS[unit]


def share_kept(text: str) -> float:
    """Return the share that a text such as 0.97 or 97% says.

    Raises:
        EffbenchError: it says none, or more than the whole.

    """
    number, unit = amount(text)
    kept = number / 100 if unit == "%" else number
    if unit not in ("", "%") or not 0 < kept <= 1:
        wanted = "not a share above 0 and up to 1 (write 0.97 or 97%)"
        raise EffbenchError(f"--keep {plain_line(text, 40)}: {wanted}")
    return kept
