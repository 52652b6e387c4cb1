"""The ``effbench`` group: adds the commands of plugins, and shows mistakes as one line."""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping
from typing import Any

import click

from effbench.api.errors import DiskError, EffbenchError, UnreadableError
from effbench.guard import containment, interruption
from effbench.guard.ending import ENDED, ended, no_silent_end
from effbench.store.paths import check_here
from effbench.text.printing import say
from effbench.text.raised import raised_in

FAILED, MISTAKE = 1, 2


class Group(click.Group):
    """The commands of effbench and of the plugins.

    A mistake of the user is shown as one line, with exit code 2.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        try:
            return sorted({*self.commands, *self._plugins(ctx)})
        except EffbenchError:  # EFFBENCH_PLUGINS names a missing plugin: show help all the same
            return sorted(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; load the plugins only for a name that is not our command."""
        return self.commands.get(cmd_name) or self._plugins(ctx).get(cmd_name)

    def _plugins(self, ctx: click.Context) -> Mapping[str, click.Command]:
        from effbench.offers.plugins import load

        if __name__ not in ctx.meta:  # click asks for each command again when it shows help
            ctx.meta[__name__] = load().commands
        commands: Mapping[str, click.Command] = ctx.meta[__name__]
        return commands

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command line, with the plugins contained.

        Also ``--help`` may find that the disk is full.
        """
        alone = not arguments and options.get("args") is None  # no other program calls us
        if alone:
            interruption.listen()
        with containment.contained_process(alone=alone):
            try:
                return super().main(*arguments, **options)
            except OSError as error:
                say(f"Error: {DiskError('standard output', error)}", err=True)
                sys.exit(MISTAKE)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the user named; turn what it raises into an exit code."""
        from effbench.guard import processes

        try:
            with no_silent_end():
                check_here()
                if forgotten := processes.settle():
                    say(forgotten, err=True)
                return super().invoke(ctx)
        except EffbenchError as error:
            say(*f"Error: {error}".split("\n"), err=True)
            ctx.exit(FAILED if isinstance(error, UnreadableError) else MISTAKE)
        except OSError as error:
            if error.errno == errno.EPIPE:  # our reader is gone: click ends quietly
                raise
            say(f"Error: {DiskError(raised_in(error.__traceback__), error)}", err=True)
            ctx.exit(MISTAKE)
        except KeyboardInterrupt as error:
            ctx.exit(interruption.settle(error))
        except SystemExit as error:
            if ctx.invoked_subcommand not in self.commands:  # a plugin's command may exit
                raise
            how = f"SystemExit: {error} in {raised_in(error.__traceback__)}"
            say(ended(how), err=True)
            ctx.exit(ENDED)
