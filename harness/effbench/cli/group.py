"""The ``effbench`` group: adds the commands of plugins, and shows mistakes as one line."""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from effbench.api.errors import DiskError, EffbenchError, UnreadableError
from effbench.guard import containment, interruption
from effbench.guard.blame import failure
from effbench.guard.ending import ENDED, ended, no_silent_end
from effbench.store.paths import check_here
from effbench.text.printing import say
from effbench.text.raised import raised_in, trace_of

if TYPE_CHECKING:
    from effbench.offers.commands import PluginCommand

FAILED, MISTAKE = 1, 2


class Group(click.Group):
    """The commands of effbench and of the plugins.

    A mistake of the user is shown as one line, with exit code 2.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands that can be called."""
        theirs = (name for name, command in self._plugins(ctx).items() if not command.unfit)
        return sorted({*self.commands, *theirs})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; one of a plugin is imported when it is called."""
        return self.commands.get(cmd_name) or self._plugins(ctx).get(cmd_name)

    def _plugins(self, ctx: click.Context) -> Mapping[str, PluginCommand]:
        from effbench.offers.commands import commands

        if __name__ not in ctx.meta:  # click asks for each command again when it shows help
            every = reversed(commands())  # of those with one name, the first stays
            ctx.meta[__name__] = {str(command.name): command for command in every}
        plugins: Mapping[str, PluginCommand] = ctx.meta[__name__]
        return plugins

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
                return self._invoke(ctx)
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

    def _invoke(self, ctx: click.Context) -> Any:
        """Run the command; what a plugin's command raises is a line that names the command."""
        try:
            return super().invoke(ctx)
        except (
            EffbenchError, click.ClickException, Exit, click.Abort,
            KeyboardInterrupt, SystemExit,
        ):  # fmt: skip
            raise
        except BaseException as error:  # a plugin may raise anything
            name = ctx.invoked_subcommand or ""
            gone = isinstance(error, OSError) and error.errno == errno.EPIPE
            if name in self.commands or gone:
                raise
            who = self._plugins(ctx)[name].who
            say(f"Error: {failure(who, error)} (effbench -v {name} shows where)", err=True)
            if ctx.params.get("verbose"):
                say(*trace_of(error).split("\n"), err=True)
            ctx.exit(FAILED)
