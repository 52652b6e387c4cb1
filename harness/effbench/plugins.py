"""Find plugins, one entry point at a time, and list what they offer."""

from __future__ import annotations

import difflib
import importlib.util
import os
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple, TypeAlias

import click
import pluggy

from effbench import hookspecs
from effbench.api import Factory
from effbench.blame import said
from effbench.errors import EffbenchError

GROUP = "effbench"
SECTIONS = ("datasets", "models", "encoders", "retrievers", "indexes")
"""Sections of suite files whose rows use an offer."""

_Offers: TypeAlias = dict[tuple[str, str], "Offer"]
_Ready: TypeAlias = dict[str, dict[str, Mapping[str, Any]]]

_HOOKS = {section: f"effbench_{section}" for section in SECTIONS} | {
    "models": "effbench_trainers"
}


class Offer(NamedTuple):
    """One named thing a plugin offers to one section of suite files."""

    section: str
    name: str
    factory: Factory
    plugin: str
    module: str
    """The module that the plugin's entry point names."""

    @property
    def version(self) -> int:
        """Part of the keys; a plugin raises it when the same options give other numbers."""
        return getattr(self.factory, "version", 1)

    @property
    def requires(self) -> Mapping[str, str]:
        """The modules that it imports -> what pip installs for them."""
        found: Mapping[str, str] = getattr(self.factory, "requires", {})
        return found

    def missing(self) -> list[str]:
        """Return what to install before this offer can be used."""
        absent = (what for module, what in self.requires.items() if not _importable(module))
        return list(dict.fromkeys(absent))


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


def load() -> Plugins:
    """Load every installed plugin; one that raises is noted and the rest works.

    ``EFFBENCH_PLUGINS`` narrows them to a comma-separated list of entry point names.
    """
    manager = pluggy.PluginManager("effbench")
    manager.add_hookspecs(hookspecs)
    found = [_load(manager, point) for point in _entry_points()]
    offers, ready, commands = _collect(manager, found)
    return Plugins(tuple(found), offers, ready, commands)


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a did-you-mean for ``word``, or the list of what is known."""
    names = sorted(known)
    # to compare thousands of names with thousands of mistakes takes minutes
    near = difflib.get_close_matches(word, names, n=1) if len(names) <= 500 else []
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else "none is known"


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


def _order(point: EntryPoint) -> tuple[bool, str]:
    """Put our own plugins first: who takes a name of theirs is the broken one."""
    return point.dist is None or point.dist.name != GROUP, point.name


def _load(manager: pluggy.PluginManager, point: EntryPoint) -> Plugin:
    dist = f"{point.dist.name} {point.dist.version}" if point.dist else "unknown distribution"
    try:
        module = point.load()
        manager.register(module, point.name)
        _refuse_unknown_hooks(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise anything at import
        manager.set_blocked(point.name)
        return Plugin(point.name, dist, point.module, said(error), traceback.format_exc())
    return Plugin(point.name, dist, point.module, None)


def _refuse_unknown_hooks(module: object) -> None:
    specs = {name for name in dir(hookspecs) if name.startswith("effbench_")}
    for name in dir(module):
        # pluggy leaves this mark on what @hookimpl decorates
        if hasattr(getattr(module, name), "effbench_impl") and name not in specs:
            raise EffbenchError(f"unknown hook {name!r} ({suggest(name, specs)})")


def _collect(
    manager: pluggy.PluginManager, found: list[Plugin]
) -> tuple[_Offers, _Ready, dict[str, click.Command]]:
    """Ask each working plugin for its offers; a hook that raises marks its plugin broken."""
    offers: _Offers = {}
    ready: _Ready = {section: {} for section in SECTIONS}
    commands: dict[str, click.Command] = {}
    for i, plugin in enumerate(found):
        if plugin.error:
            continue
        try:
            mine = _offers_of(manager, plugin)
            _refuse_clashes(mine, offers)
            _refuse_malformed(mine)
            rows = _answers(manager, "effbench_ready_rows", plugin.name)
            _refuse_twice(rows, ready)
            named_commands = _answers(manager, "effbench_commands", plugin.name)
            _refuse_known(named_commands, commands)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a hook may raise anything
            found[i] = plugin._replace(error=said(error), trace=traceback.format_exc())
            continue
        offers.update({(offer.section, offer.name): offer for offer in mine})
        for section, named in rows.items():
            ready[section].update(named)
        commands.update(named_commands)
    return offers, ready, commands


def _offers_of(manager: pluggy.PluginManager, plugin: Plugin) -> list[Offer]:
    return [
        Offer(section, name, factory, plugin.name, plugin.module)
        for section in SECTIONS
        for name, factory in _answers(
            manager, _HOOKS.get(section, f"effbench_{section}"), plugin.name
        ).items()
    ]


def _answers(manager: pluggy.PluginManager, hook: str, plugin: str) -> dict[str, Any]:
    impls = getattr(manager.hook, hook).get_hookimpls()
    answers: dict[str, Any] = {}
    for impl in impls:
        if impl.plugin_name == plugin:
            answers.update(impl.function())
    return answers


def _refuse_malformed(mine: list[Offer]) -> None:
    for offer in mine:
        who, factory = f"offers {offer.section} {offer.name!r}", offer.factory
        if not callable(factory):
            raise EffbenchError(f"{who}, which is {factory!r} (a class or function is wanted)")
        version, requires = getattr(factory, "version", 1), getattr(factory, "requires", {})
        if type(version) is not int:  # 1.5 would be the same as 1 in keys
            raise EffbenchError(f"{who} of version {version!r} (an int is wanted)")
        if not isinstance(requires, Mapping):
            raise EffbenchError(f"{who}, which requires {requires!r} (a mapping is wanted)")


def _refuse_clashes(mine: list[Offer], offers: Mapping[tuple[str, str], Offer]) -> None:
    for offer in mine:
        other = offers.get((offer.section, offer.name))
        if other:
            raise EffbenchError(
                f"offers {offer.section} {offer.name!r}, which plugin {other.plugin!r} offers "
                "already (rename the offer, uninstall one, or narrow EFFBENCH_PLUGINS)"
            )


def _refuse_twice(mine: _Ready, others: _Ready) -> None:
    for section, rows in mine.items():
        if section not in others:
            raise EffbenchError(f"has ready rows of {section!r} ({suggest(section, others)})")
        for name in rows:
            if name in others[section]:
                raise EffbenchError(
                    f"has a ready row {name!r} of {section}, which another plugin has already "
                    "(uninstall one, or narrow EFFBENCH_PLUGINS)"
                )


def _refuse_known(mine: Mapping[str, click.Command], others: Iterable[str]) -> None:
    for name in mine:
        if name in others:
            raise EffbenchError(f"offers the command {name!r}, which another plugin offers")


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # a parent package is absent
        return False
