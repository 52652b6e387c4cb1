"""The output of ``effbench cache``, as lines for people and as facts for JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from effbench.cache.freeing import Freed, Request, Selection
from effbench.cache.holdings import Holding, Holdings, Needed
from effbench.text.words import counted, sized

T = TypeVar("T")

FEW = 2
"""The most names that a line shows; of more names it shows the number."""

NOUNS = {
    "data": "datasets", "domain": "domains", "encode": "doc encodings",
    "queries": "query encodings", "examples": "sets of examples", "index": "indexes",
    "retriever": "retrievers", "run": "runs", "texts": "sets of texts", "model": "models",
}  # fmt: skip
"""Kind of step -> the noun for several of its artifacts."""


def facts(root: Path, holdings: Holdings) -> dict[str, Any]:
    """Return the contents of the cache for JSON."""
    downloads = holdings.downloads.items()
    return {
        "root": str(root),
        "bytes": holdings.nbytes,
        "leftover_bytes": holdings.leftovers,
        "steps": [artifact.facts() for artifact in holdings.artifacts],
        "downloads": [{"folder": str(path), "bytes": nbytes} for path, nbytes in downloads],
    }


def lines(root: Path, holdings: Holdings) -> Iterator[str]:
    """Yield the contents of the cache for people."""
    yield f"{root}: {_total(holdings.artifacts)}"
    yield from _table(holdings.artifacts)
    for path, nbytes in holdings.downloads.items():
        yield f"downloads in {path}: {sized(nbytes)} (never freed: remove them yourself)"
    if holdings.leftovers:
        size = sized(holdings.leftovers)
        yield f"leftovers of killed processes: {size} (effbench cache free --yes removes them)"


def needs_lines(suite: str, steps: Sequence[Needed]) -> Iterator[str]:
    """Yield the steps that a suite needs by rows: those in the cache, and the missing ones."""
    finished = [step for step in steps if step.finished]
    yield (
        f"{suite} needs {counted(len(steps), 'steps')}: {len(finished)} held, "
        f"{sized(sum(step.nbytes for step in finished))}; "
        f"{len(steps) - len(finished)} missing"
    )
    table = [("row", "held", "bytes", "missing")]
    for rows, group in _grouped(steps, lambda step: step.rows).items():
        held = [step for step in group if step.finished]
        size = sized(sum(step.nbytes for step in held))
        missing = _kinds(step.kind for step in group if not step.finished)
        table.append((_named(rows, "rows"), str(len(held)), size, missing))
    yield from _aligned(table, right=(1, 2))


def freed_facts(
    selection: Selection, holdings: Holdings, freed: Freed | None
) -> dict[str, Any]:
    """Return for JSON what was freed; what would be freed if ``freed`` is None."""
    taken, held = _taken_and_held(selection, freed)
    return {
        "dry_run": freed is None,
        "bytes": _bytes(taken),
        "leftover_bytes": holdings.leftovers,
        "steps": [artifact.facts() for artifact in taken],
        "in_use": [artifact.facts() for artifact in held],
        "shared": [artifact.facts() for artifact in selection.shared],
        "failed": freed.failed if freed else [],
    }


def freed_lines(
    request: Request, selection: Selection, holdings: Holdings, freed: Freed | None
) -> Iterator[str]:
    """Yield what was freed, or would be, and what is kept in spite of the request."""
    taken, held = _taken_and_held(selection, freed)
    yield from _table(taken)
    if held:
        yield f"kept, since a running process uses it: {_total(held)}"
    if selection.shared:
        suites = {suite for artifact in selection.shared for suite in artifact.suites}
        users = ", ".join(sorted(suites - set(request.suites)))
        yield f"kept, since {users} may use it, too: {_total(selection.shared)}"
    left, most = holdings.nbytes - _bytes(taken), request.most
    if most is not None and left > most:
        kept = "" if request == Request(most=most) else " or kept by the other options"
        yield f"{sized(left)} are in use{kept}, so {sized(most)} cannot be reached"
    leftovers = f", {sized(holdings.leftovers)} of leftovers" if holdings.leftovers else ""
    if freed is None:
        yield f"would free {_total(taken)}{leftovers}; now nothing is freed (give --yes)"
    else:
        yield f"freed {_total(taken)}{leftovers}; {sized(left)} stay"


def _taken_and_held(
    selection: Selection, freed: Freed | None
) -> tuple[Sequence[Holding], Sequence[Holding]]:
    """Return the artifacts that were or would be freed, and those that processes use."""
    if freed is None:
        return selection.chosen, selection.held
    return freed.artifacts, [*selection.held, *freed.held]


def _bytes(artifacts: Iterable[Holding]) -> int:
    return sum(artifact.size.nbytes for artifact in artifacts)


def _total(artifacts: Sequence[Holding]) -> str:
    return f"{counted(len(artifacts), 'steps')}, {sized(_bytes(artifacts))}"


def _table(artifacts: Sequence[Holding]) -> Iterator[str]:
    """Yield a line for each set of suites and rows, the largest first."""
    groups = _grouped(artifacts, lambda artifact: (artifact.suites, artifact.rows))
    table = [("suite", "row", "bytes", "last used", "steps")]
    for (suites, rows), group in sorted(groups.items(), key=lambda item: -_bytes(item[1])):
        star = "*" if any(artifact.held for artifact in group) else ""
        day = max(artifact.day for artifact in group)
        kinds = _kinds(a.kind if a.finished else "unfinished" for a in group)
        names = _named(suites, "suites"), _named(rows, "rows")
        table.append((*names, sized(_bytes(group)), f"{day}{star}", kinds))
    if groups:
        yield from _aligned(table, right=(2,))


def _grouped(values: Iterable[T], key: Callable[[T], Any]) -> dict[Any, list[T]]:
    groups: dict[Any, list[T]] = {}
    for value in values:
        groups.setdefault(key(value), []).append(value)
    return groups


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
