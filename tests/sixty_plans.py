"""What is wrong with plans of hostile plugins, and with those that are hostile when loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import effbench_sixty_loading

from made_processes import Ended
from sixty_kinds import SECTIONS, Kind, suite
from sixty_runs import controls

Start = Callable[..., Ended]
"""Runs a command line."""


def planned(start: Start, folder: Path, given: Sequence[Kind]) -> list[str]:
    """Return what is wrong with the plan of hostile kinds: each is a line that names it."""
    text = suite(given)
    text["retrievers"]["near"] = {"use": "scan", "twise": True}  # another mistake beside
    for number, kind in enumerate(given):
        if kind.does.startswith("splits"):  # asked for when one trains on it
            data = {"examples": [{"training": {"use": "sixty", "does": kind.does}}]}
            text["models"][f"h{number}"] = {"use": "centroids", "data": data}
            text["datasets"] = [one for one in text["datasets"] if one.get("does") != kind.does]
    (path := folder / "plan.yaml").write_text(json.dumps(text, indent=1))
    ended = start("plan", path, "--cache", folder / "cache")
    wrong = ["a traceback"] * ("Traceback" in ended.stderr)
    if ended.code != 2:
        wrong.append(f"exit code {ended.code}: {ended.stderr[-150:]}")
    if "retrievers.near" not in ended.stderr:
        wrong.append("other mistakes are not told")
    for number, kind in enumerate(given):
        where = f": {SECTIONS[kind.plugin]}.h{number}: "
        if kind.plugin == "dataset":
            known = [one.get("name") for one in text["datasets"]]
            at = known.index(f"h{number}") if f"h{number}" in known else -1
            where = f": datasets.{at}: " if at >= 0 else f": models.h{number}"
        named = [
            f"{kind.plugin} '{who}' (plugin sixty)"
            for who in (f"h{number}", "sixty", "hostile")
        ]
        lines = [line for line in ended.stderr.splitlines() if where in line]
        place = kind.does.partition(": ")[0]
        if not any(name in line for name in named for line in lines):
            wrong.append(f"{kind}: no line names it: {str(lines)[:150]}")
        elif place not in ("init", "check") and not any(place in line for line in lines):
            wrong.append(f"{kind}: no line names {place}: {lines[0][:150]}")
    return wrong


LOADING = effbench_sixty_loading.KINDS


def loaded(start: Start, folder: Path) -> list[str]:
    """Return what is wrong when a plugin is hostile while it is loaded."""
    (path := folder / "plain.yaml").write_text(json.dumps(suite(), indent=1))
    plan = ("plan", path, "--cache", folder / "cache")
    wrong, said = [], {}
    for command in (plan, ("plugins",), ("plugins", "--json")):
        ended = start(*command)
        shown = f"{command[0]} {command[-1]}"
        fine = (0, 1) if command[0] == "plugins" else (0,)  # 1: it lists a broken one
        if ended.code not in fine or "Traceback" in ended.stderr:
            wrong.append(f"{shown}: exit code {ended.code}: {ended.stderr[-150:]}")
        elif command[-1] == "--json":
            try:
                json.loads(ended.stdout)
            except ValueError:
                wrong.append(f"{shown}: stdout is no JSON: {ended.stdout[:60]!r}")
        if controls(ended.stdout + ended.stderr):
            wrong.append(f"{shown}: control characters")
        said[command[0]] = ended
    if "sixty_loading" not in said["plugins"].stdout and not wrong:
        wrong.append("plugins does not list it")
    return wrong
