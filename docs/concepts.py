"""The contract in figures: for each kind, the smallest plugin and what its author learns."""

from __future__ import annotations

import re

from effbench.api.kinds import KINDS
from effbench.views.contract import example
from effbench.views.definitions import definitions

ALWAYS = {"entry point", "hookimpl"}
ARRAYS = {"Vectors", "Positions"}  # an author knows numpy
COUNTED = """\
A concept is a name of the contract: the entry point, `hookimpl`, the hook, each member of a
protocol, each attribute of the class, and each type of data or of options, but not its fields.
Arrays of numpy are known. The smallest case is what a class must have and the example uses.
"""


def figures() -> str:
    """Return the section of docs/contract.md with a line for each kind."""
    lines = [
        f"| {name} | {_lines(name)} | {len(smallest(name))} | {len(everything(name))} |"
        for name in KINDS
    ]
    head = "| kind | lines of the example | concepts, smallest case | concepts, all |"
    head += "\n| --- | ---: | ---: | ---: |"
    return "\n".join(["## In figures", "", COUNTED, head, *lines, ""])


def smallest(name: str) -> set[str]:
    """Return the names that an author of the smallest plugin of a kind meets."""
    kind, source = KINDS[name], _source(name)
    needed = [m for m in _members(kind.contract[0]) if m not in kind.optional]
    types = {
        word
        for member, title in _members(kind.contract[0]).items()
        if member in needed
        for word in re.findall(r"\w+", title)
        if word in kind.gets
    }
    used = {option for option in kind.options if re.search(rf"effbench\.{option}\b", source)}
    return ALWAYS | {kind.hook, *needed} | types - ARRAYS | used


def everything(name: str) -> set[str]:
    """Return the names of all that a kind must have, may have and gets."""
    kind = KINDS[name]
    members = {m for part in (*kind.contract, *kind.besides) for m in _members(part)}
    others = {*kind.attributes, *kind.gets, *kind.options} - ARRAYS
    return smallest(name) | members | others


def _members(part: str) -> dict[str, str]:
    """Return the members of a protocol and of its bases: name -> signature."""
    known = definitions()
    bases = [base for base in known[part].bases if base in known]
    inherited = {name: title for base in bases for name, title in _members(base).items()}
    return inherited | {member.name: member.title for member in known[part].members}


def _source(name: str) -> str:
    (path,) = (path for path in example(name) if path.suffix == ".py")
    return path.read_text(encoding="utf-8")


def _lines(name: str) -> int:
    return len(_source(name).splitlines())
