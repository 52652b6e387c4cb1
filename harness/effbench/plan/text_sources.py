"""The sources of texts that an option lists: each as a suite says it, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.plan.forms import check_count
from effbench.plan.scope import Scope
from effbench.steps.excerpts import Cut
from effbench.steps.sources import (
    CUTS,
    PARTS,
    PASSAGES,
    SIDES,
    DatasetSource,
    FileSource,
    Source,
    Use,
)
from effbench.store.digests import digest_of
from effbench.store.tabular import TabularFile
from effbench.text.suggestions import suggest
from effbench.work.datasets import DatasetRow
from effbench.work.rows import Row

_KEYS = ("draw", "side", "weight")
"""The keys that every source may have."""

_MOST_WEIGHT = 1000
"""An epoch holds each text as often as its weight says."""

_MORE: Mapping[str, Sequence[str]] = {"file": ("column",), **dict.fromkeys(CUTS, Cut._fields)}
"""Kind of source -> the further keys that it may have."""


def sources_of(
    scope: Scope, value: Any, datasets: Callable[[Any], Sequence[DatasetRow]]
) -> list[Source]:
    """Return the sources of texts that a value means, one for each dataset that it names.

    ``datasets`` reads what names datasets.

    Raises:
        EffbenchError: it is no source, or a key or the value of a key is wrong.

    """
    given = dict(value) if isinstance(value, dict) else {}
    named = [key for key in given if key in ("file", *PARTS)]
    if len(named) != 1:
        raise EffbenchError(
            f"{value!r} is no source of texts (give one of file, {', '.join(PARTS)})"
        )
    part = named[0]
    data = given.pop(part)
    known = (*_KEYS, *_MORE.get(part, ()))
    for key in given:
        if key not in known:
            raise EffbenchError(
                f"{value!r}: unknown key {key!r} of a source of texts "
                f"({suggest(str(key), known)})"
            )
    draw, use = given.get("draw"), _use(given)
    if draw is not None:
        check_count(draw, "texts: draw", "texts")
    if part != "file":
        cut = _cut(part, given)
        rows = datasets(data)
        if not rows:
            raise EffbenchError(
                f"texts: {data!r} names no dataset (give the suite a second collection)"
            )
        found = [DatasetSource(row, part, draw, cut, use) for row in rows]
        return list({digest_of(source.fact): source for source in found}.values())
    return [_file(scope, data, given.get("column"), draw, use)]


def weights_of(sources: Sequence[Source]) -> tuple[tuple[float, ...], ...]:
    """Return what the key of a trainer holds for the weights; nothing where all are 1."""
    weights = tuple(source.use.weight for source in sources)
    return () if all(weight == 1 for weight in weights) else (weights,)


def refuse_ids(sources: Sequence[Source], passages: Row) -> None:
    """Refuse texts as passages of a row that finds the vector of a doc by its id.

    Raises:
        EffbenchError: it names the row.

    """
    if passages.by_id and any(source.use.side == PASSAGES for source in sources):
        raise EffbenchError(
            f"texts: side: passages: {passages.name!r} finds docs by their ids, and texts have "
            "none (leave it out)"
        )


def _file(scope: Scope, named: Any, column: Any, draw: int | None, use: Use) -> FileSource:
    if isinstance(named, (list, dict)):
        raise EffbenchError(
            f"texts: file: {named!r} is no file (give each a source of its own)"
        )
    if column is not None and not isinstance(column, str):
        raise EffbenchError(f"texts: column: {column!r} is no name (write it as text)")
    path, digest = scope.sources.text_file(str(named))
    if column is not None and path.exists():  # a pack holds no texts
        TabularFile(path).check([column])
    return FileSource(path, digest, column, draw, use)


def _use(given: Mapping[str, Any]) -> Use:
    side, weight = given.get("side", SIDES[0]), given.get("weight", 1)
    if side not in SIDES:
        raise EffbenchError(f"texts: side: {side!r} is no side (say {' or '.join(SIDES)})")
    if type(weight) not in (int, float) or not 0 < weight <= _MOST_WEIGHT:
        span = f"take a number above 0, up to {_MOST_WEIGHT:,}"
        raise EffbenchError(f"texts: weight: {weight!r} is no weight ({span})")
    return Use(side, float(weight))


def _cut(part: str, given: Mapping[str, Any]) -> Cut | None:
    """Return how texts are drawn from docs; None for a part that takes what is there."""
    if part not in CUTS:
        return None
    cut = CUTS[part]._replace(**{name: given[name] for name in Cut._fields if name in given})
    for name, noun in zip(Cut._fields, ("words", "words", "texts"), strict=True):
        check_count(getattr(cut, name), f"texts: {name}", noun)
    if cut.least > cut.most:
        raise EffbenchError(
            f"texts: {part}: least: {cut.least} is more than most: {cut.most} (swap them)"
        )
    return cut
