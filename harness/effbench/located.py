"""YAML with the line of each part, and mistakes that say where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError, SafeConstructor

from effbench.errors import EffbenchError
from effbench.words import misread

MOST = 100_000
"""Places in a suite file: aliases of aliases make any number of them."""

Place = tuple[str | int, ...]
"""Keys and list positions that lead to a part of the file."""


class Mistakes:
    """The mistakes of one suite file, each with its line and dotted path."""

    def __init__(self, path: Path, lines: Mapping[Place, int]) -> None:
        self._path = path
        self._lines = lines
        self._found: dict[tuple[int, str], Place] = {}

    def add(self, place: Place, message: str) -> None:
        """Note that what stands at ``place`` is wrong."""
        near = place
        while near not in self._lines and near:
            near = near[:-1]
        line = self._lines.get(near, 1)
        dotted = ".".join(str(part) for part in place) or "suite"
        self._found[line, f"{self._path}:{line}: {dotted}: {message}"] = place

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_all(self) -> None:
        """Raise one error that lists every mistake in the file's order, if there is any."""
        if self._found:
            raise EffbenchError(self.text())

    def text(self) -> str:
        """Return the mistakes in the file's order, a line each."""
        return "\n".join(text for _, text in sorted(self._found))

    def sections(self) -> set[str | int]:
        """Return the sections of the suite that have mistakes, "" for the suite itself."""
        return {place[0] if place else "" for place in self._found.values()}


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
        EffbenchError: it is not a YAML mapping, gives a key twice, or has words that YAML reads
            otherwise than they look.

    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise EffbenchError(f"{path}:1: a suite is a mapping (suite: NAME, datasets: ...)")
        lines = _lines(path, root)
        return SafeConstructor().construct_document(root), lines
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise EffbenchError(f"{path}:{line}: not YAML: {error.problem}") from error
    except RecursionError as error:
        raise EffbenchError(f"{path}: too many levels, one in another (a mistake?)") from error
    except (ValueError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        raise EffbenchError(f"{path}: cannot be read: {said}") from error


def _lines(path: Path, root: yaml.Node) -> dict[Place, int]:
    """Return the line of each place; raise what is wrong with single words, all at once."""
    lines: dict[Place, int] = {}
    mistakes = Mistakes(path, lines)
    for place, node, is_key in _places(root, (), ()):
        if len(lines) > MOST:
            raise EffbenchError(f"{path}: more than {MOST:,} places (too many aliases)")
        if is_key and place in lines:
            dotted = ".".join(map(str, place))
            line = node.start_mark.line + 1
            raise EffbenchError(f"{path}:{line}: {dotted}: stands twice (keep one)")
        lines.setdefault(place, node.start_mark.line + 1)
        if wrong := misread(node, is_key=is_key):
            mistakes.add(place, wrong)
    mistakes.raise_all()
    return lines


def _places(
    node: yaml.Node, place: Place, around: tuple[yaml.Node, ...]
) -> Iterator[tuple[Place, yaml.Node, bool]]:
    """Yield every key and every value, with its place and whether it is a key."""
    if any(node is one for one in around):
        raise ConstructorError(
            None, None, "an anchor stands in itself (write it out)", node.start_mark
        )
    if place:
        yield place, node, False
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ConstructorError(
                    None, None, "a key is one word (not a list or a mapping)", key.start_mark
                )
            yield (*place, key.value), key, True
            yield from _places(value, (*place, key.value), (*around, node))
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield from _places(value, (*place, i), (*around, node))
