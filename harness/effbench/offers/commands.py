"""The commands of plugins: entry points of a group of their own, imported when called."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from effbench.api.errors import EffbenchError
from effbench.guard.attributes import shown
from effbench.guard.blame import blamed
from effbench.offers.installed import in_order, is_ours, named
from effbench.text.names import unfit_row

GROUP = "effbench.commands"


LONGEST = 40
"""Most letters of a command's name: help shows what each command does beside the longest."""


class PluginCommand(click.Command):
    """A command of a plugin: its name and distribution; its module is not imported yet.

    The module is imported when click makes the context of a call. The context then has the
    plugin's own command.
    """

    def __init__(self, point: EntryPoint, first: EntryPoint) -> None:
        """Take the command's entry point, and the first of all that have the same name."""
        self.point, self.first = point, first
        self.distribution = named(point.dist)
        self.module = point.value.partition(":")[0].strip()
        self.who = f"command {point.name!r} ({self.distribution})"
        super().__init__(point.name, short_help=f"(from {self.distribution})")

    @property
    def unfit(self) -> str | None:
        """The reason why help cannot show its name, or None."""
        name = str(self.name)
        if len(name) > LONGEST:
            return f"has {len(name):,} letters ({LONGEST} at most)"
        return unfit_row(name)

    def loaded(self) -> click.Command:
        """Import the plugin's command, and return it.

        Raises:
            EffbenchError: the module cannot be imported or has no such command, or another
                distribution has a command of this name.

        """
        if self.first is not self.point:
            raise EffbenchError(
                f"{self.who}: {named(self.first.dist)} has a command of this name too "
                "(rename it, or uninstall one)"
            )
        with blamed(self.who):
            command: Any = self.point.load()
        if not isinstance(command, click.Command):
            raise EffbenchError(
                f"{self.who}: {self.point.value} is {shown(command)} (name a click command)"
            )
        return command

    def mistake(self, builtin: Collection[str]) -> str | None:
        """Return why nobody can call the command, or None; ``builtin`` are effbench's own."""
        if self.name in builtin:
            return f"{self.who}: effbench has a command of this name (rename it)"
        if self.unfit:
            return f"{self.who}: its name {self.unfit} (rename it)"
        try:
            self.loaded()
        except EffbenchError as error:
            return str(error)
        return None

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Return the context of a call of the plugin's own command."""
        return self.loaded().make_context(info_name, args, parent, **extra)


def commands() -> list[PluginCommand]:
    """Return the commands of all plugins, effbench's first; no plugin is imported."""
    alike: dict[str, list[EntryPoint]] = {}
    for point in in_order(entry_points(group=GROUP)):
        alike.setdefault(point.name, []).append(point)
    return [
        # of two that are not ours nobody knows which is meant, so each names the other
        PluginCommand(point, points[0] if is_ours(points[0]) else points[at - 1])
        for points in alike.values()
        for at, point in enumerate(points)
    ]
