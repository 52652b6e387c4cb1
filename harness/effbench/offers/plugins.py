"""Find plugins, one entry point at a time, and list what they offer."""

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


class Plugin(NamedTuple):
    """An installed plugin: an entry point and the distribution that declares it."""

    name: str
    distribution: str
    module: str
    error: str | None
    trace: str | None = None


@dataclass(frozen=True)
class Plugins:
    """Everything installed: plugins (working or broken), offers, ready rows and commands."""

    installed: tuple[Plugin, ...]
    offers: Mapping[tuple[str, str], Offer]
    ready: Mapping[str, Mapping[str, Mapping[str, Any]]]
    commands: Mapping[str, click.Command]

    def named(self, section: str) -> dict[str, Offer]:
        """Return the offers of one section by name."""
        return {name: offer for (where, name), offer in self.offers.items() if where == section}

    def broken(self) -> list[Plugin]:
        """Return the plugins that could not be loaded."""
        return [plugin for plugin in self.installed if plugin.error]

    def distribution(self, offer: Offer) -> str:
        """Return name and version of the distribution that an offer comes from."""
        return next(p.distribution for p in self.installed if p.name == offer.plugin)


class _Known(NamedTuple):
    """What the plugins that were loaded so far have brought."""

    installed: list[Plugin]
    offers: dict[tuple[str, str], Offer]
    ready: Ready
    commands: dict[str, click.Command]


def load() -> Plugins:
    """Load every installed plugin; one that raises is noted and the rest works.

    ``EFFBENCH_PLUGINS`` narrows them to a comma-separated list of entry point names.
    """
    manager = pluggy.PluginManager("effbench")
    manager.add_hookspecs(hookspecs)
    known = _Known([], {}, {section: {} for section in SECTIONS}, {})
    for point in _entry_points():
        known.installed.append(_load(manager, point, known))
    return Plugins(tuple(known.installed), known.offers, known.ready, known.commands)


def _entry_points() -> list[EntryPoint]:
    points = sorted(entry_points(group=GROUP), key=_order)
    wanted = os.environ.get("EFFBENCH_PLUGINS")
    if wanted is None:
        return points
    names = {name.strip() for name in wanted.split(",") if name.strip()}
    unknown = names - {point.name for point in points}
    if unknown:
        raise EffbenchError(
            f"EFFBENCH_PLUGINS: no plugin named {min(unknown)!r} is installed "
            f"({suggest(min(unknown), (point.name for point in points))})"
        )
    return [point for point in points if point.name in names]


def _order(point: EntryPoint) -> tuple[bool, str, str]:
    """Put our own plugins first: who takes a name of theirs is the broken one."""
    distribution = _named(point.dist)
    return not distribution.startswith(f"{GROUP} "), point.name, distribution


@lru_cache(maxsize=64)  # to parse what is installed takes a millisecond
def _named(distribution: Distribution | None) -> str:
    """Return name and version of what was installed, as messages say them."""
    try:
        about: Any = distribution.metadata if distribution else {}
        name, version = about["Name"], about["Version"]
    except Exception:  # METADATA is damaged: importlib says None, or raises what comes
        name, version = None, None
    return f"{name} {version}" if name else "unknown distribution"


def _load(manager: pluggy.PluginManager, point: EntryPoint, known: _Known) -> Plugin:
    """Load a plugin and note what it brings; what is wrong with it marks it as broken."""
    module = point.value.partition(":")[0].strip()
    plugin = Plugin(point.name, _named(point.dist), module, None)
    try:
        if point.name in {one.name for one in known.installed}:
            raise EffbenchError("another plugin of this name is installed (uninstall one)")
        with contained(f"plugin {point.name!r}"):
            loaded = point.load()
            manager.register(loaded, point.name)
            _refuse_strange_hooks(manager, loaded)
            brought = answers_of(manager, point.name, module)
        _refuse_clashes(brought.offers, known.offers)
        _refuse_twice(brought.ready, known.ready)
        _refuse_known(brought.commands, known.commands)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise anything
        return plugin._replace(error=message_of(error), trace=traceback.format_exc())
    known.offers.update({(offer.section, offer.name): offer for offer in brought.offers})
    known.commands.update(brought.commands)
    for section, rows in brought.ready.items():
        known.ready[section].update(rows)
    return plugin


def _refuse_strange_hooks(manager: pluggy.PluginManager, module: object) -> None:
    """Refuse what looks like a hook and is none, and modules without any."""
    callers = manager.get_hookcallers(module) or []
    # pluggy's check_pending stops at the first one, and suggests nothing
    for name in sorted(caller.name for caller in callers if not caller.has_spec()):
        raise EffbenchError(f"unknown hook {name!r} ({suggest(name, HOOKS)})")
    for name in sorted(set(HOOKS) - {caller.name for caller in callers}):
        if inspect.isroutine(getattr(module, name, None)):
            raise EffbenchError(f"{name} is no hook yet (put @effbench.hookimpl above it)")
    if not callers:
        raise EffbenchError("it has no hook (docs/plugins.md says what a plugin is)")


def _refuse_clashes(mine: Iterable[Offer], offers: Mapping[tuple[str, str], Offer]) -> None:
    for offer in mine:
        other = offers.get((offer.section, offer.name))
        if other:
            raise EffbenchError(
                f"offers {offer.section} {offer.name!r}, which plugin {other.plugin!r} offers "
                "already (rename the offer, uninstall one, or narrow EFFBENCH_PLUGINS)"
            )


def _refuse_twice(mine: Ready, others: Ready) -> None:
    for section, rows in mine.items():
        if section not in others:
            raise EffbenchError(
                f"has ready rows of {section!r}, no section of suites "
                f"({suggest(section, others)})"
            )
        for name in rows:
            if name in others[section]:
                raise EffbenchError(
                    f"has a ready row {name!r} of {section}, which another plugin has already "
                    "(uninstall one, or narrow EFFBENCH_PLUGINS)"
                )


def _refuse_known(mine: Mapping[str, click.Command], others: Iterable[str]) -> None:
    for name in mine:
        if name in others:
            raise EffbenchError(
                f"offers the command {name!r}, which another plugin offers (uninstall one)"
            )
