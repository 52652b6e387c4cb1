"""Loading of the installed plugins, one entry point after another, and their offers."""

from __future__ import annotations

import inspect
import os
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

import pluggy

from effbench.api import hookspecs
from effbench.api.errors import EffbenchError
from effbench.guard.containment import contained
from effbench.offers.hooks import HOOKS, Ready, answers_of
from effbench.offers.importing import refuse_contract, timed
from effbench.offers.installed import in_order, named
from effbench.offers.offer import SECTIONS
from effbench.offers.offer import Offer as Offer
from effbench.text.raised import message_of
from effbench.text.suggestions import near, suggest

GROUP = "effbench"

READY = tuple(section for section in SECTIONS if section != "datasets")
"""The sections that may have ready rows."""


class Plugin(NamedTuple):
    """An installed plugin: its entry point, and the distribution that declares it."""

    name: str
    distribution: str
    module: str
    error: str | None = None
    trace: str | None = None
    remark: str | None = None
    """What its author should know of its module, though it can be used."""


@dataclass(frozen=True)
class Plugins:
    """All installed plugins, working or broken, with their offers and ready rows."""

    installed: tuple[Plugin, ...]
    offers: Mapping[tuple[str, str], Offer]
    ready: Mapping[str, Ready]
    """Plugin -> its ready rows."""

    def named(self, section: str) -> dict[str, Offer]:
        """Return name -> offer for the offers of a section."""
        return {name: offer for (s, name), offer in self.offers.items() if s == section}

    def broken(self) -> list[Plugin]:
        """Return the plugins that could not be loaded."""
        return [plugin for plugin in self.installed if plugin.error]

    def hint(self, section: str, use: str) -> str:
        """Return what to do about the name of an offer that no plugin offers."""
        hint = suggest(use, self.named(section))
        if broken := ", ".join(repr(plugin.name) for plugin in self.broken()):
            hint += f"; effbench plugins says why {broken} is broken"
        if "EFFBENCH_PLUGINS" in os.environ:
            hint += "; EFFBENCH_PLUGINS loads only the plugins that it names"
        return hint

    def distribution(self, offer: Offer) -> str:
        """Return the name and version of the distribution of an offer's plugin."""
        return next(p.distribution for p in self.installed if p.name == offer.plugin)


class _Known(NamedTuple):
    """The plugins that are loaded so far, with their offers and ready rows."""

    installed: list[Plugin]
    offers: dict[tuple[str, str], Offer]
    ready: dict[str, Ready]


def load() -> Plugins:
    """Load every installed plugin; a plugin that raises is noted as broken.

    ``EFFBENCH_PLUGINS`` narrows them to a comma-separated list of entry point names.
    """
    manager = pluggy.PluginManager("effbench")
    manager.add_hookspecs(hookspecs)
    known = _Known([], {}, {})
    for point in _entry_points():
        known.installed.append(_load(manager, point, known))
    return Plugins(tuple(known.installed), known.offers, known.ready)


def _entry_points() -> list[EntryPoint]:
    points = in_order(entry_points(group=GROUP))
    listed = os.environ.get("EFFBENCH_PLUGINS")
    if listed is None:
        return points
    names = {name.strip() for name in listed.split(",") if name.strip()}
    unknown = names - {point.name for point in points}
    if unknown:
        raise EffbenchError(
            f"EFFBENCH_PLUGINS: no plugin named {min(unknown)!r} is installed "
            f"({suggest(min(unknown), (point.name for point in points))})"
        )
    return [point for point in points if point.name in names]


def _load(manager: pluggy.PluginManager, point: EntryPoint, known: _Known) -> Plugin:
    """Load a plugin and add its offers to ``known``; an error marks the plugin as broken."""
    module = point.value.partition(":")[0].strip()
    plugin = Plugin(point.name, named(point.dist), module)
    try:
        if point.name in {loaded.name for loaded in known.installed}:
            raise EffbenchError("another plugin of this name is installed (uninstall one)")
        with contained(f"plugin {point.name!r}"):
            imported, remark = timed(point)
            refuse_contract(module, plugin.distribution)
            manager.register(imported, point.name)
            _refuse_strange_hooks(manager, imported)
            answers = answers_of(manager, point.name, module)
        _refuse_clashes(answers.offers, known.offers)
        _refuse_twice(answers.ready, known.ready.values())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise anything
        return plugin._replace(error=message_of(error), trace=traceback.format_exc())
    known.offers.update({(offer.section, offer.name): offer for offer in answers.offers})
    known.ready[point.name] = answers.ready
    return plugin._replace(remark=remark)


def _refuse_strange_hooks(manager: pluggy.PluginManager, module: object) -> None:
    """Refuse a function that looks like a hook and is none, and a module without hooks."""
    callers = manager.get_hookcallers(module) or []
    # pluggy's check_pending stops at the first one, and suggests nothing
    for name in sorted(caller.name for caller in callers if not caller.has_spec()):
        raise EffbenchError(f"unknown hook {name!r} ({suggest(name, HOOKS)})")
    marked = {caller.name for caller in callers}
    for name, value in sorted(getattr(module, "__dict__", {}).items()):
        if name in marked or not inspect.isroutine(value):
            continue
        if name in HOOKS:
            raise EffbenchError(f"{name} is no hook yet (put @effbench.hookimpl above it)")
        if name.startswith("effbench_") and (hook := near(name, HOOKS)):
            raise EffbenchError(f"{name} is no hook (did you mean {hook!r}?)")
    if not callers:
        raise EffbenchError("it has no hook (docs/plugins.md says what a plugin is)")


def _refuse_clashes(new: Iterable[Offer], offers: Mapping[tuple[str, str], Offer]) -> None:
    for offer in new:
        known = offers.get((offer.section, offer.name))
        if known:
            raise EffbenchError(
                f"offers {offer.section} {offer.name!r}, which plugin {known.plugin!r} offers "
                "already (rename the offer, uninstall one, or narrow EFFBENCH_PLUGINS)"
            )


def _refuse_twice(new: Ready, known: Iterable[Ready]) -> None:
    """Refuse a ready row that another plugin has differently, since both would be rows."""
    for section, rows in new.items():
        if section not in READY:
            raise EffbenchError(
                f"has ready rows of {section!r}, no section with ready rows "
                f"({suggest(section, READY)})"
            )
        for name, row in rows.items() if section in ("encoders", "retrievers") else ():
            if any(ready.get(section, {}).get(name, row) != row for ready in known):
                raise EffbenchError(
                    f"has a ready row {name!r} of {section}, which another plugin has with "
                    "other options (uninstall one, or narrow EFFBENCH_PLUGINS)"
                )
