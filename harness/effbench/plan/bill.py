"""What a run of a plan will cost, in numbers and in words; what is unknown is named."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from effbench.plan.costs import Estimate, estimate
from effbench.store import space
from effbench.text.words import counted, sized

if TYPE_CHECKING:
    from effbench.plan.cells import Plan
    from effbench.plan.costs import Facts
    from effbench.work.step import Step

_VERBS = {
    "encode": "encode with", "queries": "encode with", "domain": "encode with",
    "retriever": "index with", "model": "train",
}  # fmt: skip
"""Of the kinds of steps that stand in lines of their own; the others are quick, or few."""

_WORDS = {"encode with": "encoding", "index with": "indexing", "train": "training"}
"""How a line speaks of what the others tell."""

_UNREAD = {
    "docs": ("corpus", "corpora"),
    "queries": ("set of queries", "sets of queries"),
    "texts": ("mix of texts", "mixes of texts"),
}
"""Of a unit: what it comes in, one and several."""

_LARGE = ("docs", "docs_unread", "texts", "texts_unread")
"""What makes a line of its own; rows that encode queries alone share one."""

_NUMBERS = (
    *(name for unit in _UNREAD for name in (unit, f"{unit}_unread")), "models", "seconds",
)  # fmt: skip

_FEW = 3
"""Names in a line; of more, how many there are."""

_WHY = "nothing like it was done here, or how much it reads is unknown"


def described(
    plan: Plan, left: Sequence[Step], facts: Facts, finished: Container[str]
) -> dict[str, Any]:
    """Return what the steps take that are ``left`` of a plan.

    Latency sessions are not in it, nor is what is read: downloads, corpora, texts. Cells that
    are ``finished`` want none.
    """
    estimates = [estimate(step, facts) for step in left]
    rows: dict[tuple[str, str], list[Estimate]] = {}
    for item in estimates:
        if item.step.kind in _VERBS:
            name = item.step.row.name  # type: ignore[attr-defined]
            rows.setdefault((_VERBS[item.step.kind], name), []).append(item)
    root = facts.store.root
    cells = [cell for cell in plan.cells if cell.name not in finished]
    timed = {cell.dataset.name for cell in cells if cell.has_latency}
    return {
        "steps": len(estimates),
        "rows": [_row(*key, of_row) for key, of_row in rows.items()],
        "bytes_at_least": sum(item.least for item in estimates),
        "bytes": sum(item.bytes or 0 for item in estimates),
        "cache": str(root),
        "free_bytes": space.free(root),
        **_totals(estimates),
        "latency_sessions": len(timed) if plan.suite.latency else 0,
    }


def spelled(costs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that a person reads, none where nothing is left."""
    if not costs["steps"]:
        return
    lines: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in costs["rows"]:
        if not any(map(row.get, _NUMBERS)):  # all of it is kept from a run that was killed
            continue
        alone = row["does"] != "train" and any(map(row.get, _LARGE))
        lines.setdefault((row["does"], row["row"] if alone else ""), []).append(row)
    yield from map(_line, lines.values())
    yield _bytes(costs)
    yield _total(costs)


def _line(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the line of some rows that do the same."""
    names = [row["row"] for row in rows]
    if len(names) > _FEW + 1:
        names = [f"{', '.join(names[:_FEW])} and {len(names) - _FEW} more"]
    named, does = ", ".join(names), rows[0]["does"]
    total = {name: sum(row[name] for row in rows) for name in _NUMBERS if name in rows[0]}
    if does == "train":
        return f"train {counted(total['models'], 'models')}: {named}{_time(total['seconds'])}"
    return f"{does} {named}: {_amounts(total)}"


def _row(does: str, name: str, estimates: Sequence[Estimate]) -> dict[str, Any]:
    row: dict[str, Any] = {"does": does, "row": name}
    if does == "train":
        row["models"] = len(estimates)
    for unit in _UNREAD if does != "train" else ():
        works = [item.work for item in estimates if item.work.unit == unit]
        row[unit] = sum(work.amount or 0 for work in works)
        row[f"{unit}_unread"] = sum(work.amount is None for work in works)
    return {**row, **_totals(estimates)}


def _totals(estimates: Iterable[Estimate]) -> dict[str, Any]:
    """Return the seconds of steps, what is unknown of how many, and what steps they are like.

    Steps that only read data are in none of it.
    """
    paced = [item for item in estimates if _is_paced(item)]
    known = [item.seconds for item in paced if item.seconds is not None]
    return {
        "seconds": sum(known),
        "working_steps": len(paced),
        "steps_of_unknown_time": len(paced) - len(known),
        "steps_of_unknown_bytes": sum(item.bytes is None for item in paced),
        "as": sorted({item.like for item in paced if item.like and item.seconds is not None}),
    }


def _is_paced(item: Estimate) -> bool:
    """Tell whether a step does more than read data."""
    return item.work.like is not None


def _amounts(row: Mapping[str, Any]) -> str:
    known = [counted(row[unit], unit) for unit in _UNREAD if row[unit]]
    unread = [
        f"{number:,} {many if number > 1 else single} not read yet"
        for unit, (single, many) in _UNREAD.items()
        if (number := row[f"{unit}_unread"])
    ]
    told = ", ".join(known) + _time(row["seconds"])
    return "; ".join(filter(None, [told, *unread]))


def _time(seconds: float) -> str:
    return f", {_duration(seconds)}" if seconds else ""


def _bytes(costs: Mapping[str, Any]) -> str:
    least, likely = sized(costs["bytes_at_least"]), sized(costs["bytes"])
    sure = f" (at least {least})" if costs["bytes_at_least"] else ""
    about = likely if likely == least else f"about {likely}{sure}"
    free, what = costs["free_bytes"], _unknown(costs, "steps_of_unknown_bytes")
    room_there = "" if free is None else f" ({sized(free)} are free)"
    into = f"into {costs['cache']}{room_there}"
    if what and not costs["bytes"]:
        return f"write an amount that no one knows yet{sure} {into}"
    return f"write {about} {into}{what and f'{what}: no size is known of those'}"


def _total(costs: Mapping[str, Any]) -> str:
    what, sessions = _unknown(costs, "steps_of_unknown_time"), costs["latency_sessions"]
    less = f" without {counted(sessions, 'latency sessions')}" if sessions else ""
    if not costs["as"]:
        return f"take a time that no one knows yet ({_WHY})"
    unknown = what and f"{what}: no time is known of those ({_WHY})"
    return f"take {_duration(costs['seconds'])}{less}{unknown}"


def _unknown(costs: Mapping[str, Any], name: str) -> str:
    """Say of how many steps a figure is and what the others are; nothing if it is of all."""
    unknown, steps = costs[name], costs["working_steps"]
    if not unknown:
        return ""
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for row in costs["rows"]:
        parts.setdefault(row["does"], []).append(row)
    among = [
        f"{'all' if all(row[name] == row['working_steps'] for row in rows) else 'some'} "
        f"{_WORDS[does]}"
        for does, rows in parts.items()
        if any(row[name] for row in rows)
    ]
    named = f", {' and '.join(among)} among them" if among else ""
    known = f"{steps - unknown:,} of {counted(steps, 'steps')}"
    return f" for {known}, and more for the other {unknown:,}{named}"


def _duration(seconds: float) -> str:
    """Return a time as people say it of what is to come."""
    for unit, name in ((3600, "hours"), (60, "minutes"), (1, "seconds")):
        if seconds >= 1.5 * unit:
            return f"about {counted(round(seconds / unit), name)}"
    return "about a second"
