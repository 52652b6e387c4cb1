"""What an encoder tells of itself (``describe``), checked before anybody uses it.

No score depends on it: a wrong description costs figures of the row, and never its cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from effbench.api.encoders import Description
from effbench.api.errors import EffbenchError
from effbench.guard.blame import blamed_for_all
from effbench.steps.built import number_of
from effbench.store.reading import shown
from effbench.work.rows import Row

STAGES = 50
"""An encoder has at most so many stages."""

LONGEST = 80
"""Characters of a stage's name."""


def description_of(encoder: Any, row: Row) -> Description:
    """Return what an encoder tells of itself; nothing if it has no method ``describe``.

    Raises:
        EffbenchError: ``describe`` raises, or a field is wrong; the message names the row and
            the field.

    """
    who = f"{row.who}: describe"
    with blamed_for_all(who):
        describe = getattr(encoder, "describe", None)
        if describe is None:
            return Description()
        told = describe()
        if not isinstance(told, Description):
            raise EffbenchError(
                f"{who} returned {shown(told)} (return an effbench.Description)"
            )
        return Description(
            _stages(told.stages, who),
            _function(told.count_tokens, "count_tokens", who),
            _function(told.bytes_read, "bytes_read", who),
            _parameters(told.query_parameters, row),
        )


def tokens_of(told: Description, texts: Sequence[str], row: Row) -> list[int] | None:
    """Return the tokens of each text; None if the encoder does not count them.

    Raises:
        EffbenchError: ``count_tokens`` raises, or its answer is not one count for each text.

    """
    if told.count_tokens is None:
        return None
    with blamed_for_all(who := f"{row.who}: describe: count_tokens"):
        counts = list(told.count_tokens(list(texts)))
        if len(counts) != len(texts):
            raise EffbenchError(
                f"{who} returned {len(counts)} numbers for {len(texts)} queries (one each)"
            )
        return [number_of(count, "describe: count_tokens", "tokens", row) for count in counts]


def bytes_of(told: Description, tokens: Sequence[int] | None, row: Row) -> list[int] | None:
    """Return the bytes of weights that a query of each length reads; None if nobody knows.

    Raises:
        EffbenchError: ``bytes_read`` raises, or its answer is not a number of bytes.

    """
    if told.bytes_read is None or tokens is None:
        return None
    with blamed_for_all(f"{row.who}: describe: bytes_read"):
        read = map(told.bytes_read, tokens)
        return [number_of(count, "describe: bytes_read", "bytes", row) for count in read]


def _stages(stages: Any, who: str) -> Mapping[str, Callable[[Any], Any]] | None:
    if stages is None:
        return None
    if not isinstance(stages, Mapping):
        raise EffbenchError(
            f"{who}: stages is {shown(stages)} (give a mapping: name -> function)"
        )
    by_name = dict(stages)
    if len(by_name) > STAGES:
        raise EffbenchError(f"{who}: stages has {len(by_name)} (give at most {STAGES})")
    for name, stage in by_name.items():
        if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST):
            raise EffbenchError(
                f"{who}: stages: {shown(name)} is no name (take 1 to {LONGEST} characters)"
            )
        if not callable(stage):
            raise _no_function(stage, f"stages: {name}", who)
    return by_name


def _function(given: Any, field: str, who: str) -> Any:
    if given is not None and not callable(given):
        raise _no_function(given, field, who)
    return given


def _no_function(given: Any, field: str, who: str) -> EffbenchError:
    return EffbenchError(f"{who}: {field} is {shown(given)} (give a function)")


def _parameters(count: Any, row: Row) -> int | None:
    name = "describe: query_parameters"
    return None if count is None else number_of(count, name, "parameters", row)
