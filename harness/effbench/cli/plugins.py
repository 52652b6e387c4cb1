"""The command ``effbench plugins``: lists the plugins, their offers, and what is broken."""

from __future__ import annotations

import click

from effbench.cli.options import as_json_option, leave
from effbench.text.printing import put_json, say


@click.command()
@as_json_option
def plugins(as_json: bool) -> None:
    """List the plugins, and their offers with options and defaults.

    Exit code 1: a plugin is broken, and a line tells why; all other plugins can be used.
    """
    from effbench.offers import plugins as loading
    from effbench.views.listing import plugin_facts, plugin_lines

    loaded = loading.load()
    if as_json:
        put_json(plugin_facts(loaded))
    else:
        say(*plugin_lines(loaded))
    leave(failed=bool(loaded.broken()))
