"""What a run of a plan will cost, in numbers and in words; what is unknown is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from effbench import room
from effbench.costs import Estimate, estimate, left
from effbench.words import counted, sized

if TYPE_CHECKING:
    from effbench.cells import Plan
    from effbench.costs import Facts

_VERBS = {
    "encode": "encode with", "queries": "encode with", "domain": "encode with",
    "retriever": "index with", "model": "train",
}  # fmt: skip
"""Of the kinds of steps that stand in lines of their own; the others are quick, or few."""

_UNREAD = {
    "docs": ("docs of", "corpora", "corpus"),
    "queries": ("queries of", "datasets", "dataset"),
    "texts": ("texts of", "mixes", "mix"),
}


def described(plan: Plan, facts: Facts) -> dict[str, Any]:
    """Return what must be made yet for all cells of a plan, and what that takes.

    Latency sessions are not in it, nor is what is read: downloads, corpora, texts.
    """
    steps = left((cell.search for cell in plan.cells), lambda step: facts.state(step) == [])
    found = [estimate(step, facts) for step in steps.values()]
    rows: dict[tuple[str, str], list[Estimate]] = {}
    for one in found:
        if one.step.kind in _VERBS:
            name = one.step.row.name  # type: ignore[attr-defined]
            rows.setdefault((_VERBS[one.step.kind], name), []).append(one)
    root = facts.store.root
    timed = {cell.dataset.name for cell in plan.cells if cell.has_latency}
    return {
        "steps": len(found),
        "rows": [_row(*key, of_row) for key, of_row in rows.items()],
        "bytes_at_least": sum(one.least for one in found),
        "bytes": sum(one.bytes or 0 for one in found),
        "steps_of_unknown_bytes": sum(one.bytes is None for one in found if _is_paced(one)),
        "cache": str(root),
        "free_bytes": room.free(root),
        **_times(found),
        "latency_sessions": len(timed) if plan.suite.latency else 0,
    }


def spelled(costs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that a person reads, none where nothing is left."""
    if not costs["steps"]:
        return
    trainings = [row for row in costs["rows"] if row["does"] == "train"]
    for row in costs["rows"]:
        if row["does"] != "train":
            yield f"{row['does']} {row['row']}: {', '.join(_counts(row))}{_time(row)}"
    if trainings:
        models = sum(row["models"] for row in trainings)
        names = ", ".join(row["row"] for row in trainings)
        yield f"train {counted(models, 'models')}: {names}{_time(_sum(trainings))}"
    yield _bytes(costs)
    yield _total(costs)


def _row(does: str, name: str, found: Sequence[Estimate]) -> dict[str, Any]:
    row: dict[str, Any] = {"does": does, "row": name}
    if does == "train":
        row["models"] = len(found)
    for unit in _UNREAD if does != "train" else ():
        works = [one.work for one in found if one.work.unit == unit]
        row[unit] = sum(work.amount or 0 for work in works)
        row[f"{unit}_unread"] = sum(work.amount is None for work in works)
    return {**row, **_times(found)}


def _times(found: Iterable[Estimate]) -> dict[str, Any]:
    """Return the seconds of steps, and how many steps they are not of.

    Steps that only read data are in neither.
    """
    paced = [one for one in found if _is_paced(one)]
    known = [one.seconds for one in paced if one.seconds is not None]
    return {"seconds": sum(known), "steps_of_unknown_time": len(paced) - len(known)}


def _is_paced(one: Estimate) -> bool:
    """Tell whether a step does more than read data."""
    return one.work.like is not None


def _sum(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        name: sum(row[name] for row in rows) for name in ("seconds", "steps_of_unknown_time")
    }


def _counts(row: Mapping[str, Any]) -> Iterator[str]:
    for unit, (whose, many, single) in _UNREAD.items():
        if row[unit]:
            yield counted(row[unit], unit)
        if unread := row[f"{unit}_unread"]:
            yield f"{whose} {unread:,} {many if unread > 1 else single} not read yet"


def _time(row: Mapping[str, Any]) -> str:
    return "" if row["steps_of_unknown_time"] else f", {_duration(row['seconds'])}"


def _bytes(costs: Mapping[str, Any]) -> str:
    least, likely, free = costs["bytes_at_least"], costs["bytes"], costs["free_bytes"]
    unknown = costs["steps_of_unknown_bytes"]
    much = [f"about {sized(likely)}"] if likely > least else []
    much += [f"at least {sized(least)}"] if least else []
    much += [f"what {counted(unknown, 'steps')} of unknown size write"] if unknown else []
    where = "" if free is None else f" ({sized(free)} are free)"
    return f"write {', '.join(much) or 'next to nothing'} into {costs['cache']}{where}"


def _total(costs: Mapping[str, Any]) -> str:
    untimed, seconds = costs["steps_of_unknown_time"], costs["seconds"]
    sessions = costs["latency_sessions"]
    more = f"; {counted(sessions, 'latency sessions')} not counted" if sessions else ""
    if not untimed:
        return f"take {_duration(seconds)}{more}"
    unlike = f"{counted(untimed, 'steps')} of unknown time: nothing like it was done here"
    known = f"{_duration(seconds)} and " if seconds else ""
    return f"take {known}{unlike}{more}"


def _duration(seconds: float) -> str:
    """Return a time as people say it of what is to come."""
    for unit, name in ((3600, "hours"), (60, "minutes"), (1, "seconds")):
        if seconds >= 1.5 * unit:
            return f"about {counted(round(seconds / unit), name)}"
    return "about a second"
