"""The command ``effbench plugins``: lists the plugins, their offers, and what is broken."""

from __future__ import annotations

from typing import cast

import click

from effbench.cli.options import as_json_option, leave
from effbench.text.printing import put_json, say


@click.command()
@as_json_option
def plugins(as_json: bool) -> None:
    """List the plugins, their offers with options and defaults, and their commands.

    Exit code 1: a plugin or a command is broken, and a line tells why; all others can be used.
    A remark is no failure: an import that takes long, or an attribute that seems misspelt.
    """
    from effbench.offers.commands import commands
    from effbench.offers.plugins import load
    from effbench.views.listing import is_broken, plugin_facts, plugin_lines

    group = cast("click.Group", click.get_current_context().find_root().command)
    facts = plugin_facts(load(), commands(), group.commands)
    if as_json:
        put_json(facts)
    else:
        say(*plugin_lines(facts))
    leave(failed=is_broken(facts))
