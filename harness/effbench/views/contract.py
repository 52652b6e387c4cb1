"""The contract of plugins for their authors, as Markdown, from docstrings and examples.

``effbench plugins KIND`` prints the part of a kind, and docs/contract.md has all parts.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

from effbench.api.kinds import KINDS, Kind
from effbench.views.definitions import Definition, definitions


def text_of(kind: str) -> str:
    """Return all that an author of a kind needs: the contract, then the smallest example."""
    return "\n".join(_parts(kind))


def _parts(kind: str) -> Iterator[str]:
    parts = KINDS[kind]
    yield f"# {kind}\n"
    yield from _kind(parts, "##")
    yield "## Attributes of the class\n"
    yield from _attributes(parts.attributes)
    yield "## Data\n"
    yield from _definitions(parts.gets, "###")
    yield "## The class and its options\n"
    yield _text("Factory") + "\n"
    yield from _definitions([n for n in parts.options if n not in parts.contract], "###")
    yield "## Plugins of any kind\n"
    yield from _definitions(_of_any_kind(), "###")
    for path in example(kind):
        yield f"## Example: {path.name}\n"
        yield f"```{path.suffix[1:]}\n{path.read_text(encoding='utf-8')}```\n"


def page() -> str:
    """Return docs/contract.md."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    yield "# The contract of plugins\n"
    yield (
        "Written by `make docs` from the docstrings of `effbench.api`. All names are those of\n"
        "`effbench`: `Doc` is `effbench.Doc`. `effbench plugins KIND` prints the part of a\n"
        "kind with its example. [Writing a plugin](plugins.md) is the guide.\n"
    )
    for name, kind in KINDS.items():
        yield f"## {name}\n"
        yield from _kind(kind, "###")
        yield f"It gets and returns: {_links(kind.gets)}.\n"
        attributes = ", ".join(f"`{attribute}`" for attribute in kind.attributes)
        yield f"[Attributes](#attributes-of-the-class) of its class: {attributes}.\n"
        yield f"Types for its options: {_links(kind.options)}.\n"
    yield "## Attributes of the class\n"
    yield from _attributes(_each(kind.attributes for kind in KINDS.values()))
    yield "## Plugins of any kind\n"
    yield from _definitions(_of_any_kind(), "###")
    yield "## Data\n"
    yield from _definitions(_each(kind.gets for kind in KINDS.values()), "###")
    yield "## The class and its options\n"
    yield _text("Factory") + "\n"
    names = _each(kind.options for kind in KINDS.values())
    yield from _definitions([name for name in names if name not in _contracts()], "###")


def example(kind: str) -> list[Path]:
    """Return the files of the smallest plugin of a kind: the package, its data, a suite."""
    places = [
        Path(str(importlib.resources.files("effbench"))) / "examples",
        Path(__file__).parents[3] / "docs" / "examples",  # an editable install
    ]
    folder = next(place for place in places if place.is_dir()) / kind
    order = [".toml", ".py", ".jsonl", ".yaml"]
    files = (path for path in folder.iterdir() if path.suffix in order)
    return sorted(files, key=lambda path: order.index(path.suffix))


def _kind(kind: Kind, heading: str) -> Iterator[str]:
    """Yield the hook, the protocols that a class must fit, and those that it may fit."""
    yield from _definitions([kind.hook], heading)
    for name, what in zip(kind.contract, ("must have", "enough in its place"), strict=False):
        optional = kind.optional
        yield from _definition(definitions()[name], heading, what, optional, inherited=True)
    for name in kind.besides:
        yield from _definition(definitions()[name], heading, "may have")


def _definitions(names: Iterable[str], heading: str) -> Iterator[str]:
    for name in names:
        yield from _definition(definitions()[name], heading)


def _definition(
    definition: Definition,
    heading: str,
    what: str = "",
    optional: Collection[str] = (),
    *,
    inherited: bool = False,
) -> Iterator[str]:
    """Yield a heading, the docstring and the members of a definition."""
    yield f"{heading} `{definition.title}`{f': {what}' if what else ''}\n"
    yield f"{definition.text}\n"
    bases = definition.bases if inherited else ()
    for member in (*(m for base in bases for m in _members(base)), *definition.members):
        yield from _member(member, " (optional)" * (member.name in optional))


def _members(name: str) -> tuple[Definition, ...]:
    return definitions()[name].members if name in definitions() else ()


def _attributes(names: Iterable[str]) -> Iterator[str]:
    yield _text("Attributes") + "\n"
    members = {member.name: member for member in _members("Attributes")}
    for name in names:
        yield from _member(members[name])


def _member(member: Definition, mark: str = "") -> Iterator[str]:
    first, *more = member.text.split("\n")
    head = f"- `{member.title}`{mark}: {first}".removesuffix(": ")
    yield "\n".join([head, *map(_indented, more)])
    yield ""


def _indented(line: str) -> str:
    return f"  {line}".rstrip()


def _text(name: str) -> str:
    return definitions()[name].text


def _links(names: Iterable[str]) -> str:
    """Return names as links to their headings on the page."""
    return ", ".join(f"[`{name}`](#{_anchor(definitions()[name].title)})" for name in names)


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    kept = (letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return "".join(kept).replace(" ", "-")


def _each(lists: Iterable[Iterable[str]]) -> list[str]:
    """Return each name of several lists once, in order."""
    return list(dict.fromkeys(name for names in lists for name in names))


def _of_any_kind() -> list[str]:
    """Return the error, the version of the contract, and the hooks that belong to no kind."""
    of_kinds = {kind.hook for kind in KINDS.values()}
    hooks = {name for name in definitions() if name.startswith("effbench_")}
    return [n for n in definitions() if n in {"EffbenchError", "CONTRACT"} | hooks - of_kinds]


@cache
def _contracts() -> set[str]:
    return {name for kind in KINDS.values() for name in kind.contract}
