"""The kinds of vectors that rows make and take: which encoders fit which indexes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from effbench.api.errors import EffbenchError
from effbench.api.searching import SPARSE, TOKENS
from effbench.plan.variants import Problem
from effbench.text.words import shortened
from effbench.work.rows import FLOAT16, Row


def fits(row: Row, index: Row) -> bool:
    """Tell whether an index takes the vectors of an encoder."""
    return row.offer.makes in index.offer.takes


def refuse_unfit(row: Row, index: Row) -> None:
    """Refuse an encoder and an index that do not fit.

    Raises:
        EffbenchError: the message names both, and the kinds.

    """
    if not fits(row, index):
        raise EffbenchError(
            f"{row.name!r} makes {spelled(row.offer.makes)}, and index {index.name!r} takes "
            f"{spelled(*index.offer.takes)} (name another index)"
        )


def problems_of(row: Row) -> Iterator[Problem]:
    """Yield what is wrong with the kinds of vectors of a row and of the rows in its options."""
    for option, opening in row.resolved.inputs.items():
        for other in cast("tuple[Row, ...]", opening.vectors):
            if other.offer.makes not in row.offer.takes:
                message = f"{other.name!r} makes {spelled(other.offer.makes)}"
                takes = f"{row.offer.name!r} takes {spelled(*row.offer.takes)}"
                yield (option,), f"{message}, and {takes} (name another row)"
    if row.store == FLOAT16 and row.offer.makes == SPARSE:
        yield ("store",), "weights of words are kept as float32 (leave out store)"


def refuse_other_kind(row: Row, passages: Row) -> None:
    """Refuse passages of another kind of vectors than the queries.

    Raises:
        EffbenchError: the message names the kinds.

    """
    if row.offer.makes != passages.offer.makes:
        raise EffbenchError(
            f"{passages.name!r} makes {spelled(passages.offer.makes)}, and the queries are "
            f"{spelled(row.offer.makes)} (name a row of the same kind)"
        )


def unsearched(encoders: Sequence[Row], indexes: Sequence[Row]) -> Iterator[tuple[Row, str]]:
    """Yield each encoder that no index takes, and why; nothing if there is no index at all."""
    for row in encoders:
        if indexes and not any(fits(row, index) for index in indexes):
            yield (
                row,
                f"makes {spelled(row.offer.makes)}, which no index of this suite takes "
                "(add `exact: {use: exact}` to indexes)",
            )


def remarks_of(encoders: Sequence[Row], indexes: Sequence[Row]) -> Iterator[str]:
    """Yield a remark for each index through which some encoders are not searched."""
    for index in indexes:
        unfit = dict.fromkeys(row.names[1] for row in encoders if not fits(row, index))
        if unfit:
            yield (
                f"index {index.names[1]!r} takes {spelled(*index.offer.takes)}, so it has no "
                f"cell of {shortened(list(unfit))}"
            )


def spelled(*kinds: str) -> str:
    """Return what messages call vectors of these kinds."""
    *most, last = ("token" if kind == TOKENS else kind for kind in kinds)
    return f"{', '.join(most)}{' or ' * bool(most)}{last} vectors"
