"""What ``effbench cache`` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from effbench.cache.freeing import Choice, Freed, Wanted
from effbench.cache.holdings import Holding, Holdings, Needed
from effbench.text.words import counted, sized

T = TypeVar("T")

FEW = 2
"""Names that are shown in a line; of more, how many there are."""

NOUNS = {
    "data": "datasets", "domain": "domains", "encode": "doc encodings",
    "queries": "query encodings", "examples": "sets of examples", "index": "indexes",
    "retriever": "retrievers", "run": "runs", "texts": "sets of texts", "model": "models",
}  # fmt: skip
"""Kind of step -> what several of them have made."""


def facts(root: Path, found: Holdings) -> dict[str, Any]:
    """Return all that is in a store, as JSON says it."""
    return {
        "root": str(root),
        "bytes": found.nbytes,
        "leftover_bytes": found.leftovers,
        "steps": [one.facts() for one in found.artifacts],
        "downloads": [{"folder": str(p), "bytes": n} for p, n in found.downloads.items()],
    }


def lines(root: Path, found: Holdings) -> Iterator[str]:
    """Yield what is in a store, as people read it."""
    yield f"{root}: {_total(found.artifacts)}"
    yield from _table(found.artifacts)
    for path, nbytes in found.downloads.items():
        yield f"downloads in {path}: {sized(nbytes)} (never freed: remove them yourself)"
    if found.leftovers:
        size = sized(found.leftovers)
        yield f"leftovers of killed processes: {size} (effbench cache free --yes removes them)"


def needs_lines(suite: str, found: Sequence[Needed]) -> Iterator[str]:
    """Yield what a suite needs, by rows: what is there, and what is missing."""
    there = [one for one in found if one.finished]
    yield (
        f"{suite} needs {counted(len(found), 'steps')}: {len(there)} held, "
        f"{sized(sum(one.nbytes for one in there))}; {len(found) - len(there)} missing"
    )
    table = [("row", "held", "bytes", "missing")]
    for rows, group in _grouped(found, lambda one: one.rows).items():
        held = [one for one in group if one.finished]
        size = sized(sum(one.nbytes for one in held))
        missing = _kinds(one.kind for one in group if not one.finished)
        table.append((_named(rows, "rows"), str(len(held)), size, missing))
    yield from _aligned(table, right=(1, 2))


def freed_facts(choice: Choice, found: Holdings, freed: Freed | None) -> dict[str, Any]:
    """Return what was freed, or would be, as JSON says it."""
    taken = choice.chosen if freed is None else freed.artifacts
    held = choice.held if freed is None else [*choice.held, *freed.held]
    return {
        "dry_run": freed is None,
        "bytes": _bytes(taken),
        "leftover_bytes": found.leftovers,
        "steps": [one.facts() for one in taken],
        "in_use": [one.facts() for one in held],
        "shared": [one.facts() for one in choice.shared],
        "failed": freed.failed if freed else [],
    }


def freed_lines(
    wanted: Wanted, choice: Choice, found: Holdings, freed: Freed | None
) -> Iterator[str]:
    """Yield what was freed, or would be, and what is kept that was asked for."""
    taken = choice.chosen if freed is None else freed.artifacts
    yield from _table(taken)
    if held := choice.held if freed is None else [*choice.held, *freed.held]:
        yield f"kept, since a running process uses it: {_total(held)}"
    if choice.shared:
        suites = {suite for one in choice.shared for suite in one.suites}
        others = ", ".join(sorted(suites - set(wanted.suites)))
        yield f"kept, since {others} may use it, too: {_total(choice.shared)}"
    left = found.nbytes - _bytes(taken)
    if wanted.most is not None and left > wanted.most:
        others = "" if wanted == Wanted(most=wanted.most) else " or kept by the other options"
        yield f"{sized(left)} are in use{others}, so {sized(wanted.most)} cannot be reached"
    leftovers = f", {sized(found.leftovers)} of leftovers" if found.leftovers else ""
    if freed is None:
        yield f"would free {_total(taken)}{leftovers}; now nothing is freed (give --yes)"
    else:
        yield f"freed {_total(taken)}{leftovers}; {sized(left)} stay"


def _bytes(artifacts: Iterable[Holding]) -> int:
    return sum(one.size.nbytes for one in artifacts)


def _total(artifacts: Sequence[Holding]) -> str:
    return f"{counted(len(artifacts), 'steps')}, {sized(_bytes(artifacts))}"


def _table(artifacts: Sequence[Holding]) -> Iterator[str]:
    """Yield a line for each set of suites and rows, what takes most first."""
    groups = _grouped(artifacts, lambda one: (one.suites, one.rows))
    table = [("suite", "row", "bytes", "last used", "steps")]
    for (suites, rows), group in sorted(groups.items(), key=lambda one: -_bytes(one[1])):
        star = "*" if any(one.held for one in group) else ""
        day = max(one.day for one in group)
        kinds = _kinds(one.kind if one.finished else "unfinished" for one in group)
        names = _named(suites, "suites"), _named(rows, "rows")
        table.append((*names, sized(_bytes(group)), f"{day}{star}", kinds))
    if groups:
        yield from _aligned(table, right=(2,))


def _grouped(values: Iterable[T], key: Callable[[T], Any]) -> dict[Any, list[T]]:
    found: dict[Any, list[T]] = {}
    for value in values:
        found.setdefault(key(value), []).append(value)
    return found


def _named(names: Sequence[str], nouns: str) -> str:
    return ", ".join(names) if len(names) <= FEW else counted(len(names), nouns)


def _kinds(kinds: Iterable[str]) -> str:
    groups = _grouped(kinds, str)
    named = sorted((NOUNS.get(kind, kind), len(group)) for kind, group in groups.items())
    return ", ".join(counted(number, nouns) for nouns, number in named)


def _aligned(table: Sequence[Sequence[str]], right: Sequence[int]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        parts = [
            part.rjust(width) if place in right else part.ljust(width)
            for place, (part, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(parts).rstrip()
