"""The lines and the JSON of ``effbench plugins``."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from effbench.api.searching import DENSE
from effbench.offers.commands import PluginCommand
from effbench.offers.offer import SECTIONS, Offer
from effbench.offers.plugins import Plugin, Plugins
from effbench.offers.schema import Option
from effbench.plan.vectors import spelled


def plugin_facts(
    plugins: Plugins, commands: Iterable[PluginCommand], builtin: Collection[str]
) -> list[dict[str, Any]]:
    """Return each plugin with its error, remarks, offers, options and commands, for JSON.

    If the plugin of a command is not loaded, the name of the command's package stands for it.
    ``builtin`` are the names of effbench's own commands.
    """
    facts = [_plugin(plugin, plugins) for plugin in plugins.installed]
    places = {_package(plugin): place for place, plugin in enumerate(plugins.installed)}
    for command in commands:
        package = _package(command)
        if package not in places:
            places[package] = len(facts)
            facts.append(_plugin(Plugin(package[1], *package), plugins))
        said = {"command": command.name, "error": command.mistake(builtin)}
        facts[places[package]]["commands"].append(said)
    return facts


def _plugin(plugin: Plugin, plugins: Plugins) -> dict[str, Any]:
    offers = [
        offer
        for section in SECTIONS
        for offer in plugins.named(section).values()
        if offer.plugin == plugin.name
    ]
    return {
        "plugin": plugin.name,
        "distribution": plugin.distribution,
        "error": plugin.error,
        "traceback": plugin.trace,
        "remarks": [
            *([plugin.remark] if plugin.remark else []),
            *(f"{o.section} {o.name!r}: {remark}" for o in offers for remark in o.remarks),
        ],
        "offers": [_offer(offer) for offer in offers],
        "ready_rows": plugins.ready.get(plugin.name, {}),
        "commands": [],
    }


def _package(declared: Plugin | PluginCommand) -> tuple[str, str]:
    """Return the distribution and the package of a plugin or a command."""
    return declared.distribution, declared.module.partition(".")[0]


def is_broken(facts: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether a plugin or a command cannot be used."""
    return any(
        plugin["error"] or any(command["error"] for command in plugin["commands"])
        for plugin in facts
    )


def plugin_lines(facts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the facts of plugins as lines for people."""
    for plugin in facts:
        yield f"{plugin['plugin']} ({plugin['distribution']})".strip()
        if plugin["error"]:
            yield f"  BROKEN: {plugin['error']}"
        for remark in plugin["remarks"]:
            yield f"  remark: {remark}"
        yield from (line for offer in plugin["offers"] for line in _offer_lines(offer))
        for section, rows in plugin["ready_rows"].items():
            for name, row in rows.items():
                yield f"  ready row of {section}: {name} (use: {row['use']})"
        for command in plugin["commands"]:
            error = command["error"]
            yield f"  BROKEN: {error}" if error else f"  command: {command['command']}"


def _offer_lines(offer: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {offer['section']}: {offer['name']} - {offer['summary']}"
    if offer["makes"]:
        yield f"    makes {spelled(offer['makes'])}"
    if offer["section"] == "indexes" or offer["takes"] not in ([], [DENSE]):
        yield f"    takes {spelled(*offer['takes'])}"
    if offer["missing"]:
        yield f"    needs: pip install {shlex.join(offer['missing'])}"
    for option in offer["options"]:
        yield f"    {_line(option)}"
    for option in offer["search_options"]:
        yield f"    search: {_line(option)}"


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "section": offer.section,
        "name": offer.name,
        "summary": offer.summary,
        "makes": offer.makes if offer.section == "encoders" else None,
        "takes": list(offer.takes) if offer.section != "datasets" else [],
        "missing": list(offer.missing),
        "options": [_option(option) for option in offer.options.values()],
        "search_options": [_option(option) for option in offer.search_options.values()],
    }


def _option(option: Option) -> dict[str, Any]:
    default = None if option.required else option.default
    if isinstance(default, Path):
        default = str(default)
    return {
        "name": option.name,
        "type": option.type_name(),
        "required": option.required,
        "default": default,
        "effect": option.mark,
    }


def _line(option: dict[str, Any]) -> str:
    default = " (required)" if option["required"] else f" = {option['default']!r}"
    effect = f" [{option['effect']}]" if option["effect"] else ""
    return f"{option['name']}: {option['type']}{default}{effect}"
