"""Kinds of hostile plugins, and suites of honest rows with hostile ones between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from effbench_sixty import datasets, encoders, indexes, retrievers, trainers

MODULES = {
    "dataset": datasets,
    "encoder": encoders,
    "index": indexes,
    "retriever": retrievers,
    "model": trainers,
}
SECTIONS = {name: "indexes" if name == "index" else f"{name}s" for name in MODULES}
TOY = {"use": "toy", "docs": 30}
TARGETS = {"encoder": "first", "texts": [{"queries": TOY}]}
ROWS = ("near", "far", "first", "taught", "last")


class Kind(NamedTuple):
    """One kind of hostile plugin."""

    plugin: str
    does: str
    fate: str
    """The name of its table.

    Its cells must fail (``FAILS``), must be done (``STANDS``) or may be either (``EITHER``); or
    the suite must be refused when it is planned (``PLANS``).
    """

    def __str__(self) -> str:
        return f"{self.plugin}: {self.does}"


def kinds(fate: str) -> list[Kind]:
    """Return all kinds of one fate."""
    return [
        Kind(plugin, f"{place}: {name}", fate)
        for plugin, module in MODULES.items()
        for place, named in getattr(module, fate, {}).items()
        for name in named
    ]


def suite(given: Sequence[Kind] = ()) -> dict[str, Any]:
    """Return the suite of the honest rows with hostile ones between them: h0, h1, ...

    Honest rows that would say nothing about these kinds are spared.
    """
    hostile: dict[str, dict[str, Any]] = {plugin: {} for plugin in MODULES}
    for number, kind in enumerate(given):
        hostile[kind.plugin][f"h{number}"] = {"use": "sixty", "does": kind.does}
    data = [{**entry, "name": name} for name, entry in hostile["dataset"].items()]
    models = {name: {**row, "targets": TARGETS} for name, row in hostile["model"].items()}
    taught = {"use": "table", "passages": "first"}
    found = {
        "suite": "sixty",
        "datasets": [TOY, *data, {**TOY, "docs": 24, "name": "toys"}],
        "measures": ["nDCG@10", "RR@10"],
        "models": {"taught": {"use": "table", "targets": TARGETS}, **models},
        "encoders": {
            "first": {"use": "witness", "width": 31},
            **hostile["encoder"],
            **{name: {**taught, "model": name} for name in ("taught", *models)},
            "last": {"use": "witness", "width": 47},
        },
        "retrievers": {
            "near": {"use": "witness"},
            **hostile["retriever"],
            "far": {"use": "scan"},
        },
        "indexes": {
            "plain": {"use": "witness"},
            **hostile["index"],
            "deep": {"use": "witness", "salt": 1},
        },
        "latency": False,
    }
    plugins = {kind.plugin for kind in given}
    spared: list[tuple[str, str]] = []
    if given and "dataset" not in plugins:
        found["datasets"].pop()
    if given and "index" not in plugins:
        spared += [("indexes", "deep")]
    if plugins in ({"dataset"}, {"index"}):
        spared += [("encoders", "taught"), ("retrievers", "far"), ("encoders", "last")]
    for section, name in spared:
        del found[section][name]
    return found


def without(text: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same suite without its hostile rows."""
    rows = ("encoders", "retrievers", "indexes", "models")
    datasets = [entry for entry in text["datasets"] if entry["use"] != "sixty"]
    kept = {
        section: {name: row for name, row in text[section].items() if not is_hostile(name)}
        for section in rows
    }
    return {**text, **kept, "datasets": datasets}


def is_hostile(name: str) -> bool:
    return name[0] == "h" and name[1:].isdigit()
