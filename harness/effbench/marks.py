"""What is to be said against a line of a leaderboard, and how it stands to published scores."""

from __future__ import annotations

from collections.abc import Iterator

from effbench.leaderboard import Board


def marks(board: Board, number: int) -> dict[str, str]:
    """Return what is to be said against a line: a few words -> why."""
    line, first = board.lines[number], board.measures[0]
    found = {f"latency {flag}": why for flag, why in board.measured[number].flags().items()}
    if any(record.get("published") for record in line.records.values()):
        found["published"] = "scores of others: no values of single queries, no latency"
    if line.tested_on:
        found["trained on test judgments"] = f"not ranked; those of {', '.join(line.tested_on)}"
    missing = [unit for unit, own in board.units.items() if line.score(first, own) is None]
    if missing:
        there = len(board.units) - len(missing)
        found[f"{there} of {len(board.units)}"] = f"no average without {', '.join(missing)}"
    for dataset in board.collected.suite["datasets"]:
        if dataset.get("note") and dataset["name"] in line.records:
            found["not the whole dataset"] = f"{dataset['name']}: {dataset['note']}"
    failures = [one for one in expectations(board, number) if one.startswith("FAIL")]
    if failures:
        found["not as published"] = "; ".join(failures)
    return found


def ranked(board: Board, number: int) -> bool:
    """Tell whether a line's figures may be set against others': its latency, its training."""
    return not board.measured[number].flags() and not board.lines[number].tested_on


def expectations(board: Board, number: int) -> Iterator[str]:
    """Yield OK or FAIL for each published score; an approximate index is not held to them."""
    line, expected = board.lines[number], board.collected.suite["expected"]
    if line.index.partition(" ")[0] not in ("", expected["index"]):
        return
    kept = 0
    for measure, by_row in expected["scores"].items():
        for unit, wanted in by_row.get(line.row, {}).items():
            found = line.score(measure, board.units.get(unit, {unit: 1.0}))
            if found is None:
                continue
            if abs(found - wanted) <= expected["tolerance"] + 1e-12:
                kept += 1
            else:
                yield f"FAIL {measure} {unit} {found:.4f} (published {wanted:.4f})"
    if kept:
        yield f"OK {kept}"
