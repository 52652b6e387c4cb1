"""YAML with the line of each part, and mistakes that say where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from effbench.errors import EffbenchError

Place = tuple[str | int, ...]
"""Keys and list positions that lead to a part of the file."""


class Mistakes:
    """The mistakes of one suite file, each with its line and dotted path."""

    def __init__(self, path: Path, lines: Mapping[Place, int]) -> None:
        self._path = path
        self._lines = lines
        self._found: dict[tuple[int, str], None] = {}

    def add(self, place: Place, message: str) -> None:
        """Note that what stands at ``place`` is wrong."""
        near = place
        while near not in self._lines and near:
            near = near[:-1]
        line = self._lines.get(near, 1)
        dotted = ".".join(str(part) for part in place) or "suite"
        self._found[line, f"{self._path}:{line}: {dotted}: {message}"] = None

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_all(self) -> None:
        """Raise one error that lists every mistake in the file's order, if there is any."""
        if self._found:
            raise EffbenchError("\n".join(text for _, text in sorted(self._found)))


def text_of(path: Path) -> str:
    """Return what a file says.

    Raises:
        EffbenchError: it cannot be read.

    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise EffbenchError(f"{path}: cannot be read: {error}") from error


def parse(path: Path, text: str) -> tuple[Any, dict[Place, int]]:
    """Return the YAML data of a file's text, and the line of each place in it.

    Raises:
        EffbenchError: it is not a YAML mapping, or gives a key twice.

    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise EffbenchError(f"{path}:{line}: not YAML: {error.problem}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise EffbenchError(f"{path}: cannot be read: {error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise EffbenchError(f"{path}:1: a suite is a mapping (suite: NAME, datasets: ...)")
    lines: dict[Place, int] = {}
    for place, mark in _places(root, ()):
        if place in lines:
            dotted = ".".join(map(str, place))
            raise EffbenchError(f"{path}:{mark}: {dotted}: stands twice (keep one)")
        lines[place] = mark
    return data, lines


def _places(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, key.value), key.start_mark.line + 1
            yield from _places(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield (*place, i), value.start_mark.line + 1
            yield from _places(value, (*place, i))
