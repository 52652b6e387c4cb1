"""The checks of the options of the dataset ``table``."""

from __future__ import annotations

from pathlib import Path

import effbench
from effbench_table.queries import BUCKETS


def judged_path(
    judgments: Path | None, clicks: Path | None, count: str | None, least: int | list[int]
) -> tuple[Path, list[int] | None]:
    """Return the file of judgments and None, or the file of clicks and their thresholds.

    Raises:
        EffbenchError: both files are given, or none; or an option does not suit the file.

    """
    if clicks is None and judgments is not None:
        if count is not None or least != 1:
            raise mistake("count and least are of clicks (leave them out, or give clicks)")
        return judgments, None
    if clicks is None or judgments is not None:
        raise mistake("what is relevant? (give either judgments or clicks)")
    return clicks, click_thresholds(least)


def text_columns(text: str | list[str]) -> tuple[str, ...]:
    """Return the names of the columns that are joined to a doc's text.

    Raises:
        EffbenchError: the list is empty.

    """
    columns = (text,) if isinstance(text, str) else tuple(text)
    if not columns:
        raise mistake("text names no column (name one, or several in a list)")
    return columns


def click_thresholds(least: int | list[int]) -> list[int]:
    """Return the numbers of clicks, in order, from which a doc has relevance 1, 2, ...

    Raises:
        EffbenchError: the numbers are not in order, or one is below 1.

    """
    thresholds = [least] if isinstance(least, int) else least
    if not thresholds or thresholds[0] < 1 or thresholds != sorted(set(thresholds)):
        raise mistake(f"least: {least} (give 1 or more, or a list that rises, such as [1, 5])")
    return thresholds


def checked_share(held_out: float | None) -> int:
    """Return how many of the `BUCKETS` are ``test``: without a share, all of them.

    Raises:
        EffbenchError: the share is not a number of hundredths between 0 and 1.

    """
    if held_out is None:
        return BUCKETS
    buckets = round(held_out * BUCKETS) if 0 < held_out < 1 else 0
    if not 0 < buckets < BUCKETS or abs(buckets - held_out * BUCKETS) > 1e-6:
        raise mistake(f"held_out: {held_out} is no share (give 0.01 to 0.99, in hundredths)")
    return buckets


def checked_delimiter(delimiter: str) -> str:
    """Return the delimiter.

    Raises:
        EffbenchError: it is not a character, or is a double quote, a space or a line end.

    """
    if len(delimiter) != 1 or delimiter in '"\r\n ':
        raise mistake(
            f'delimiter: {delimiter!r} is not one character (give , or ; or | or "\\t")'
        )
    return delimiter


def mistake(message: str) -> effbench.EffbenchError:
    """Return the error for a wrong option of the dataset ``table``."""
    return effbench.EffbenchError(f"table: {message}")
