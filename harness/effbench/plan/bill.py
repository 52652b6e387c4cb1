"""The costs of a run: time, bytes and steps, in numbers and in lines for people."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from effbench.plan.costs import Estimate, estimate
from effbench.store import space
from effbench.text.words import counted, shortened, sized
from effbench.work.effort import FLOAT

if TYPE_CHECKING:
    from effbench.plan.cells import Plan
    from effbench.plan.costs import Facts
    from effbench.work.step import Step

_VERBS = {
    "encode": "encode with", "queries": "encode with", "domain": "encode with",
    "retriever": "index with", "model": "train",
}  # fmt: skip
"""Kind of step -> its verb in a line. Steps of the kinds not here are quick, or few."""

_WORDS = {"encode with": "encoding", "index with": "indexing", "train": "training"}
"""Verb of a line -> the noun that the last lines use for it."""

_UNREAD = {
    "docs": ("corpus", "corpora"),
    "queries": ("set of queries", "sets of queries"),
    "texts": ("source of texts", "sources of texts"),
}
"""Unit -> the noun, singular and plural, for data that nobody has counted yet."""

_LARGE = ("docs", "docs_unread", "texts", "texts_unread")
"""Numbers that give a row a separate line; rows that only encode queries share a line."""

_NUMBERS = (
    *(name for unit in _UNREAD for name in (unit, f"{unit}_unread")), "models", "seconds",
)  # fmt: skip

_WIDTHS = (384, 768, 1024)
"""Numbers in a vector of most encoders: small, base and large."""

_WHY = "nothing like it was done here, or how much it reads is unknown"


def described_costs(
    plan: Plan, left: Sequence[Step], facts: Facts, finished: Container[str]
) -> dict[str, Any]:
    """Return the costs of the steps that are ``left`` of a plan.

    They do not include latency sessions, or the time to read data: downloads, corpora, texts.
    Cells that are ``finished`` need no latency session.
    """
    estimates = [estimate(step, facts) for step in left]
    rows: dict[tuple[str, str], list[Estimate]] = {}
    for item in estimates:
        if item.step.kind in _VERBS:
            name = item.step.row.name  # type: ignore[attr-defined]
            rows.setdefault((_VERBS[item.step.kind], name), []).append(item)
    corpora = [item.work for item in estimates if item.step.kind == "encode"]
    root = facts.store.root
    cells = [cell for cell in plan.cells if cell.name not in finished]
    datasets = {cell.dataset.name for cell in cells if cell.has_latency}
    return {
        "steps": len(estimates),
        "rows": [_row(*key, of_row) for key, of_row in rows.items()],
        "bytes_at_least": sum(item.least for item in estimates),
        "bytes": sum(item.bytes or 0 for item in estimates),
        "vectors_of_unknown_width": sum(work.amount or 0 for work in corpora if not work.least),
        "corpora_of_unknown_size": sum(work.amount is None for work in corpora),
        "cache": str(root),
        "free_bytes": space.free(root),
        **_totals(estimates),
        "latency_sessions": len(datasets) if plan.suite.latency else 0,
    }


def spelled_costs(costs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the costs as lines for people; none if no step is left."""
    if not costs["steps"]:
        return
    lines: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in costs["rows"]:
        if not any(map(row.get, _NUMBERS)):  # a killed run has left all its parts
            continue
        alone = row["does"] != "train" and any(map(row.get, _LARGE))
        key = (row["does"], row["row"] if alone else "", row.get("trainer", ""))
        lines.setdefault(key, []).append(row)
    yield from map(_line, lines.values())
    yield from _vectors(costs)
    yield _bytes(costs)
    yield _total(costs)


def _line(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the line for rows whose steps have the same verb."""
    rows_named, does = shortened([row["row"] for row in rows]), rows[0]["does"]
    total = {name: sum(row[name] for row in rows) for name in _NUMBERS if name in rows[0]}
    if does == "train":
        time = _with_time(total["seconds"])
        models = f"{counted(total['models'], 'models')} with {rows[0]['trainer']}"
        return f"train {models}: {rows_named}{time}"
    return f"{does} {rows_named}: {_amounts(total)}"


def _row(does: str, name: str, estimates: Sequence[Estimate]) -> dict[str, Any]:
    row: dict[str, Any] = {"does": does, "row": name}
    if does == "train":
        row["trainer"] = estimates[0].step.row.offer.name  # type: ignore[attr-defined]
        row["models"] = len(estimates)
    for unit in _UNREAD if does != "train" else ():
        works = [item.work for item in estimates if item.work.unit == unit]
        row[unit] = sum(work.amount or 0 for work in works)
        row[f"{unit}_unread"] = sum(work.amount is None for work in works)
    return {**row, **_totals(estimates)}


def _totals(estimates: Iterable[Estimate]) -> dict[str, Any]:
    """Return the seconds of steps, how many have unknown costs, and the steps they are like.

    Steps that only read data do not count.
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
    counts = ", ".join(known) + _with_time(row["seconds"])
    return "; ".join(filter(None, [counts, *unread]))


def _with_time(seconds: float) -> str:
    return f", {_duration(seconds)}" if seconds else ""


def _vectors(costs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what vectors of docs take on a disk for each usual width, if theirs is unknown."""
    if vectors := costs["vectors_of_unknown_width"]:
        yield f"keep {vectors:,} vectors of a width not known yet: {_by_width(vectors)}"
    if unread := costs["corpora_of_unknown_size"]:
        corpora = counted(unread, "corpora") if unread > 1 else "a corpus"
        yield f"keep vectors of {corpora} not read yet: for a million docs {_by_width(10**6)}"


def _by_width(vectors: int) -> str:
    """Return the bytes of vectors for each usual width."""
    return ", ".join(f"{sized(vectors * width * FLOAT)} at {width}" for width in _WIDTHS)


def _bytes(costs: Mapping[str, Any]) -> str:
    least, likely = sized(costs["bytes_at_least"]), sized(costs["bytes"])
    sure = f" (at least {least})" if costs["bytes_at_least"] else ""
    about = likely if likely == least else f"about {likely}{sure}"
    if costs["bytes_at_least"] > costs["bytes"]:  # parts of unknown size are in it
        about = f"at least {least}"
    free, unknown = costs["free_bytes"], _unknown(costs, "steps_of_unknown_bytes")
    room = "" if free is None else f" ({sized(free)} are free)"
    into = f"into {costs['cache']}{room}"
    if unknown and not costs["bytes"]:
        return f"write an amount that no one knows yet{sure} {into}"
    return f"write {about} {into}{unknown and f'{unknown}: no size is known of those'}"


def _total(costs: Mapping[str, Any]) -> str:
    steps, sessions = _unknown(costs, "steps_of_unknown_time"), costs["latency_sessions"]
    less = f" without {counted(sessions, 'latency sessions')}" if sessions else ""
    if not costs["as"]:
        return f"take a time that no one knows yet ({_WHY})"
    unknown = steps and f"{steps}: no time is known of those ({_WHY})"
    return f"take {_duration(costs['seconds'])}{less}{unknown}"


def _unknown(costs: Mapping[str, Any], name: str) -> str:
    """Return how many steps a figure covers, and which it does not; "" if it covers all."""
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
    """Return an estimated time as text, such as ``about 3 hours``."""
    for unit, name in ((3600, "hours"), (60, "minutes"), (1, "seconds")):
        if seconds >= 1.5 * unit:
            return f"about {counted(round(seconds / unit), name)}"
    return "about a second"
