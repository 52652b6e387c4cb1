"""Models of the hub that are not taken at a commit: remarks for the user."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from effbench.work.datasets import DatasetRow
from effbench.work.rows import HubModel, Row

if TYPE_CHECKING:
    from effbench.work.step import Step

_COMMIT = re.compile(r"[0-9a-f]{40}")


def remarks(steps: Iterable[Step]) -> list[str]:
    """Return a line for each model of the hub that is not taken at a commit.

    The models are those of the steps, and of all steps that they read. The line names the rows.
    """
    rows: dict[HubModel, dict[str, dict[str, None]]] = {}
    for step in _with_inputs(steps):
        for model, section, name in _used(getattr(step, "row", None)):
            if not (model.revision and _COMMIT.fullmatch(model.revision)):
                rows.setdefault(model, {}).setdefault(section, {})[name] = None
    return [_remark(model, sections) for model, sections in rows.items()]


def _with_inputs(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the steps and all steps that they read; of equal steps, those of every row."""
    seen: dict[int, Step] = {}  # it holds the steps, so that no two have the same id
    waiting = [*steps][::-1]
    while waiting:
        step = waiting.pop()
        if id(step) not in seen:
            seen[id(step)] = step
            yield step
            waiting += step.inputs


def _used(given: object) -> Iterator[tuple[HubModel, str, str]]:
    """Yield the models of the hub that a row or a dataset takes, with its section and name.

    The rows that it uses live are rows too.
    """
    for row in (given, *(given.live if isinstance(given, Row) else ())):
        if not isinstance(row, Row | DatasetRow):
            continue
        name = row.names[1] if isinstance(row, Row) else row.name  # that of a whole sweep
        yield from ((model, row.offer.section, name) for model in row.hub_models)


def _remark(model: HubModel, sections: Mapping[str, Iterable[str]]) -> str:
    rows = "; ".join(f"{section} {', '.join(names)}" for section, names in sections.items())
    lacks = f"has the revision {model.revision!r}" if model.revision else "has no revision"
    mend = "give the full hash of a commit as revision"
    if not model.revisable:
        mend = "name a folder: the plugin takes no revision"
    return f"model {model.name} ({rows}) {lacks}: no key changes if the hub changes it ({mend})"
