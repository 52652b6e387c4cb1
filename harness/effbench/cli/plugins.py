"""The command ``effbench plugins``: lists the plugins, or explains a kind to its authors."""

from __future__ import annotations

from typing import cast

import click

from effbench.api.errors import EffbenchError
from effbench.api.kinds import KINDS
from effbench.cli.options import as_json_option, leave
from effbench.text.printing import put_json, say


@click.command()
@click.argument("kind", required=False, metavar="[KIND]")
@as_json_option
def plugins(kind: str | None, as_json: bool) -> None:
    """List the plugins, their offers with options and defaults, and their commands.

    KIND (encoder, index, retriever, dataset or trainer): print all that an author of such a
    plugin needs instead: the contract, and the smallest example.

    Exit code 1: a plugin or a command is broken, and a line tells why; all others can be used.
    A remark is no failure: an import that takes long, or an attribute that seems misspelt.
    """
    if kind is not None:
        _explain(kind, as_json)
        return
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


def _explain(kind: str, as_json: bool) -> None:
    """Print the contract of a kind.

    Raises:
        EffbenchError: there is no such kind.

    """
    from effbench.text.suggestions import suggest
    from effbench.views.contract import text_of

    if kind not in KINDS:
        raise EffbenchError(f"{kind!r} is no kind of plugin ({suggest(kind, KINDS)})")
    if as_json:
        put_json({"kind": kind, "text": text_of(kind)})
    else:
        say(*text_of(kind).split("\n"))
