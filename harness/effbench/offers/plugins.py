"""Loading of the installed plugins, one entry point after another, and their offers."""

from __future__ import annotations

import inspect
import os
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any, NamedTuple

import click
import pluggy

from effbench.api import hookspecs
from effbench.api.errors import EffbenchError
from effbench.guard.containment import contained
from effbench.offers.hooks import HOOKS, Ready, answers_of
from effbench.offers.offer import SECTIONS
from effbench.offers.offer import Offer as Offer
from effbench.text.raised import message_of
from effbench.text.suggestions import suggest

GROUP = "effbench"

READY = tuple(section for section in SECTIONS if section != "datasets")
"""The sections that may have ready rows."""


class Plugin(NamedTuple):
    """An installed plugin: its entry point, and the distribution that declares it."""

    name: str
    distribution: str
    module: str
    error: str | None
    trace: str | None = None


@dataclass(frozen=True)
class Plugins:
    """All installed plugins, working or broken, with their offers, ready rows and commands."""

    installed: tuple[Plugin, ...]
    offers: Mapping[tuple[str, str], Offer]
    ready: Mapping[str, Ready]
    """Plugin -> its ready rows."""

    commands: Mapping[str, click.Command]

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
    """The plugins that are loaded so far, with their offers, ready rows and commands."""

    installed: list[Plugin]
    offers: dict[tuple[str, str], Offer]
    ready: dict[str, Ready]
    commands: dict[str, click.Command]


def load() -> Plugins:
    """Load every installed plugin; a plugin that raises is noted as broken.

    ``EFFBENCH_PLUGINS`` narrows them to a comma-separated list of entry point names.
    """
    manager = pluggy.PluginManager("effbench")
    manager.add_hookspecs(hookspecs)
    known = _Known([], {}, {}, {})
    for point in _entry_points():
        known.installed.append(_load(manager, point, known))
    return Plugins(tuple(known.installed), known.offers, known.ready, known.commands)


def _entry_points() -> list[EntryPoint]:
    points = sorted(entry_points(group=GROUP), key=_order)
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


def _order(point: EntryPoint) -> tuple[bool, str, str]:
    """Put effbench's plugins first: another plugin that takes their name is then broken."""
    distribution = _named(point.dist)
    return not distribution.startswith(f"{GROUP} "), point.name, distribution


@lru_cache(maxsize=64)  # to parse METADATA takes a millisecond
def _named(distribution: Distribution | None) -> str:
    """Return the name and version of a distribution, as messages write them."""
    try:
        about: Any = distribution.metadata if distribution else {}
        name, version = about["Name"], about["Version"]
    except Exception:  # METADATA is damaged: importlib returns None, or raises anything
        name, version = None, None
    return f"{name} {version}" if name else "unknown distribution"


def _load(manager: pluggy.PluginManager, point: EntryPoint, known: _Known) -> Plugin:
    """Load a plugin and add its offers to ``known``; an error marks the plugin as broken."""
    module = point.value.partition(":")[0].strip()
    plugin = Plugin(point.name, _named(point.dist), module, None)
    try:
        if point.name in {loaded.name for loaded in known.installed}:
            raise EffbenchError("another plugin of this name is installed (uninstall one)")
        with contained(f"plugin {point.name!r}"):
            imported = point.load()
            manager.register(imported, point.name)
            _refuse_strange_hooks(manager, imported)
            answers = answers_of(manager, point.name, module)
        _refuse_clashes(answers.offers, known.offers)
        _refuse_twice(answers.ready, known.ready.values())
        _refuse_known(answers.commands, known.commands)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise anything
        return plugin._replace(error=message_of(error), trace=traceback.format_exc())
    known.offers.update({(offer.section, offer.name): offer for offer in answers.offers})
    known.commands.update(answers.commands)
    known.ready[point.name] = answers.ready
    return plugin


def _refuse_strange_hooks(manager: pluggy.PluginManager, module: object) -> None:
    """Refuse a function that looks like a hook and is none, and a module without hooks."""
    callers = manager.get_hookcallers(module) or []
    # pluggy's check_pending stops at the first one, and suggests nothing
    for name in sorted(caller.name for caller in callers if not caller.has_spec()):
        raise EffbenchError(f"unknown hook {name!r} ({suggest(name, HOOKS)})")
    for name in sorted(set(HOOKS) - {caller.name for caller in callers}):
        if inspect.isroutine(getattr(module, name, None)):
            raise EffbenchError(f"{name} is no hook yet (put @effbench.hookimpl above it)")
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


def _refuse_known(new: Mapping[str, click.Command], known: Iterable[str]) -> None:
    for name in new:
        if name in known:
            raise EffbenchError(
                f"offers the command {name!r}, which another plugin offers (uninstall one)"
            )
