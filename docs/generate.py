"""Write what is generated of docs/ and results/. Run by ``make docs``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click
import msgspec

from effbench.board.leaderboard import boards
from effbench.cli.commands import main
from effbench.offers.commands import PluginCommand
from effbench.run.recorded import Record
from effbench.views import contract, render
from effbench.views.machines import tables

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
PUBLISHED = RESULTS / "published"


def commands() -> str:
    """Return docs/commands.md: the help of every command."""
    parts = ["# Commands\n\nWritten by `make docs` from the program itself.\n"]
    names = main.context_settings["help_option_names"]
    root = click.Context(main, info_name="effbench", terminal_width=88, help_option_names=names)
    parts.append(_block("effbench", main.get_help(root)))
    parts += _helps(root)
    return "\n".join(parts)


def contract_page() -> str:
    """Return docs/contract.md: the docstrings of the contract, and its figures."""
    from concepts import figures

    return f"{contract.page()}\n{figures()}"


def _helps(parent: click.Context) -> Iterator[str]:
    """Yield the help of each command of a group, and of those in it."""
    group = cast("click.Group", parent.command)
    for name in group.list_commands(parent):
        command = cast("click.Command", group.get_command(parent, name))
        if isinstance(command, PluginCommand):
            command = command.loaded()
        context = click.Context(command, info_name=name, parent=parent, terminal_width=88)
        yield _block(context.command_path, command.get_help(context))
        if isinstance(command, click.Group):
            yield from _helps(context)


def _block(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text}\n```\n"


def schema() -> str:
    """Return docs/record.schema.json: what `effbench.run.recorded` says of a record."""
    facts = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://effbench/record.schema.json",
        "title": "A record of effbench: one cell (docs/records.md)",
        **msgspec.json.schema(Record),
    }
    return json.dumps(facts, indent=1) + "\n"


def leaderboard() -> str:
    """Return results/leaderboard.md: the tables of all published results."""
    return render.markdown(tables(boards([PUBLISHED])))


if __name__ == "__main__":
    import rooms
    from messages import messages

    (HERE / "contract.md").write_text(contract_page(), encoding="utf-8")
    (HERE / "messages.md").write_text(messages(), encoding="utf-8")
    (HERE / "record.schema.json").write_text(schema(), encoding="utf-8")
    (HERE / "commands.md").write_text(commands(), encoding="utf-8")
    development = HERE / "development.md"
    development.write_text(
        rooms.filled(development.read_text(encoding="utf-8")), encoding="utf-8"
    )
    (RESULTS / "leaderboard.md").write_text(leaderboard(), encoding="utf-8")
