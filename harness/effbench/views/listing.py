"""The lines and the JSON of ``effbench plugins``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from effbench.offers.offer import SECTIONS, Offer
from effbench.offers.plugins import Plugins
from effbench.offers.schema import Option


def plugin_facts(plugins: Plugins) -> list[dict[str, Any]]:
    """Return each plugin with its error, its offers and their options, for JSON."""
    return [
        {
            "plugin": plugin.name,
            "distribution": plugin.distribution,
            "error": plugin.error,
            "traceback": plugin.trace,
            "offers": [
                _offer(offer)
                for section in SECTIONS
                for offer in plugins.named(section).values()
                if offer.plugin == plugin.name
            ],
        }
        for plugin in plugins.installed
    ]


def plugin_lines(plugins: Plugins) -> Iterator[str]:
    """Yield the plugins as lines for people."""
    for plugin in plugin_facts(plugins):
        yield f"{plugin['plugin']} ({plugin['distribution']})"
        if plugin["error"]:
            yield f"  BROKEN: {plugin['error']}"
        for offer in plugin["offers"]:
            yield f"  {offer['section']}: {offer['name']} - {offer['summary']}"
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
