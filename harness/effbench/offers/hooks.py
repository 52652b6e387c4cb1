"""The answers of a plugin's hooks: read, and checked before they are used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pluggy

from effbench.api import hookspecs
from effbench.api.errors import EffbenchError
from effbench.api.kinds import KINDS
from effbench.guard.attributes import shown
from effbench.guard.blame import blamed
from effbench.offers.offer import SECTIONS, Offer, offer_of
from effbench.offers.schema import holdable
from effbench.text.names import unfit_row

LONGEST = 100
"""Most letters of a name of an offer or a ready row."""

Ready: TypeAlias = dict[str, dict[str, dict[str, Any]]]
"""Section -> name of a ready row -> ``use`` and options."""

HOOKS = tuple(name for name in dir(hookspecs) if name.startswith("effbench_"))
"""The names of all hooks."""

_OFFERING = {kind.section: kind.hook for kind in KINDS.values()}
"""Section of a suite -> the hook that offers to it."""


class Answers(NamedTuple):
    """The offers and ready rows of one plugin."""

    offers: tuple[Offer, ...]
    ready: Ready


def answers_of(manager: pluggy.PluginManager, plugin: str, module: str) -> Answers:
    """Call the hooks of a plugin, and return their answers.

    Raises:
        EffbenchError: a hook raises an exception, or its answer has a wrong form.

    """
    offers = tuple(
        offer_of(section, name, factory, plugin, module)
        for section in SECTIONS
        for name, factory in _answer(manager, _OFFERING[section], plugin).items()
    )
    with blamed("effbench_ready_rows"):
        ready = {
            section: {
                name: _row(row, f"has a ready row {name!r} of {section}")
                for name, row in _mapping_by_names(
                    rows, f"has as ready rows of {section!r}"
                ).items()
            }
            for section, rows in _answer(manager, "effbench_ready_rows", plugin).items()
        }
    return Answers(offers, ready)


def _answer(manager: pluggy.PluginManager, hook: str, plugin: str) -> dict[str, Any]:
    impls = getattr(manager.hook, hook).get_hookimpls()
    impl = next((impl for impl in impls if impl.plugin_name == plugin), None)
    if impl is None:
        return {}
    with blamed(hook):
        return _mapping_by_names(impl.function(), f"{hook} returns")


def _mapping_by_names(given: Any, subject: str) -> dict[str, Any]:
    """Return a mapping, after a check that its keys are names that suites can write."""
    if not isinstance(given, Mapping):
        raise EffbenchError(f"{subject} {shown(given)} (a mapping by names is wanted)")
    answer = dict(given)
    for name in answer:
        if not (isinstance(name, str) and not unfit_row(name) and len(name) <= LONGEST):
            raise EffbenchError(
                f"{subject} the name {shown(name)} (take a string of up to {LONGEST} letters, "
                'without white space and / \\ : * ? " < > |)'
            )
    return answer


def _row(given: Any, who: str) -> dict[str, Any]:
    """Return a ready row after a check; its paths become texts, as in suites."""
    if not isinstance(given, Mapping) or not isinstance(given.get("use"), str):
        raise EffbenchError(
            f"{who}, which is {shown(given)} (use: NAME and options are wanted)"
        )
    row = {n: str(value) if isinstance(value, Path) else value for n, value in given.items()}
    for name, value in row.items():
        if not isinstance(name, str):
            raise EffbenchError(f"{who} with the option {shown(name)} (a string is wanted)")
        if not holdable(value):
            data = shown(value)
            raise EffbenchError(f"{who}, whose {name} is {data} (plain data are wanted)")
    return row
