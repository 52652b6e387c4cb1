"""YAML with the line of each part, and the mistakes of a suite with their lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml
from yaml.constructor import SafeConstructor

from effbench.api.errors import EffbenchError
from effbench.plan.scalars import TAG, misread
from effbench.text.words import plain_line

MOST_BYTES = 2_000_000
"""Most bytes of a suite file; YAML is read at about 200 kB a second."""

MOST = 100_000
"""Most places in a suite file; aliases of aliases could make any number of them."""

DEEPEST = 50
"""Most levels of lists and mappings; Python's stack ends at some hundreds."""

MOST_SHOWN = 100
"""Most mistakes that a message lists."""

SUITE = "a suite is a mapping (suite: NAME, datasets: ...)"

_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\0")
"""Bytes at the start of files in UTF-16 and UTF-32."""

Place = tuple[str | int, ...]
"""Keys and list positions that lead to a part of the file."""


class Notes(Protocol):
    """What takes mistakes, each with its place."""

    def add(self, place: Place, message: str) -> None:
        """Note a mistake at a place."""


class Mistakes:
    """The mistakes of one suite file, each with its line and dotted path."""

    def __init__(self, path: Path, lines: Mapping[Place, int]) -> None:
        self._path = path
        self._lines = lines
        self._texts: dict[tuple[int, str], Place] = {}
        self._known: set[tuple[str, Place]] = set()

    def add(self, place: Place, message: str) -> None:
        """Note a mistake at ``place``, unless it only repeats a noted one."""
        repeated = (noted for text, noted in self._known if text == message)
        if any(self._lines_at(noted) & self._lines_at(place) for noted in repeated):
            return
        near = place
        while near not in self._lines and near:
            near = near[:-1]
        line = self._lines.get(near, 1)
        dotted = ".".join(plain_line(str(part), 60) or "''" for part in place) or "suite"
        self._texts[line, f"{self._path}:{line}: {dotted}: {plain_line(message)}"] = place

    def repeats(self, message: str, place: Place = ()) -> None:
        """Note no such message from now on where an alias brings in lines of ``place``."""
        self._known.add((message, place))

    def _lines_at(self, place: Place) -> set[int]:
        """Return the lines of a part of the file, with the lines behind its aliases."""
        size = len(place)
        return {line for part, line in self._lines.items() if part[:size] == place}

    def __bool__(self) -> bool:
        return bool(self._texts)

    def raise_all(self) -> None:
        """Raise an error that lists all mistakes in the order of the file, if there are any."""
        if self._texts:
            raise EffbenchError(self.text())

    def text(self) -> str:
        """Return the mistakes in the order of the file, a line each, `MOST_SHOWN` at most."""
        texts = [text for _, text in sorted(self._texts)]
        if len(texts) > MOST_SHOWN:
            texts[MOST_SHOWN:] = [f"... and {len(texts) - MOST_SHOWN:,} more mistakes"]
        return "\n".join(texts)

    def sections(self) -> set[str | int]:
        """Return the sections of the suite that have mistakes; "" is the suite itself."""
        return {place[0] if place else "" for place in self._texts.values()}


def text_of(path: Path) -> str:
    """Return the text of a suite file.

    Raises:
        EffbenchError: the file cannot be read, is too large, or is not UTF-8.

    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise EffbenchError(
            f"{path}: cannot be read: {error.strerror} (make it a readable file)"
        ) from error
    if len(raw) > MOST_BYTES:
        raise EffbenchError(f"{path}: more than {MOST_BYTES:,} bytes (is it a suite?)")
    if raw.startswith(_WIDE) or b"\0" in raw[:4]:
        raise EffbenchError(f"{path}:1: this is UTF-16 or UTF-32 (save the file as UTF-8)")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise EffbenchError(f"{path}:{line}: no UTF-8 (save the file as UTF-8)") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Loader(yaml.SafeLoader):
    """A loader that refuses too many levels, and keeps the tags that the file gives."""

    level = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if self.level > DEEPEST:
            raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=event.start_mark)
        self.level += 1
        node = super().compose_node(parent, index)
        self.level -= 1
        given = getattr(event, "tag", None)
        if node is not None and given not in (None, "!", f"{TAG}str"):
            node.tag = given.replace(TAG, "!!")  # no kind that YAML itself gives has such a tag
        return node


_TOO_DEEP = f"too many levels, one in another ({DEEPEST} at most)"


def parse(path: Path, text: str, form: str = SUITE) -> tuple[Any, dict[Place, int]]:
    """Return the YAML data of a file's text, and the line of each place in it.

    ``form`` says what the file should be; an error ends with it.

    Raises:
        EffbenchError: it is not a YAML mapping, has a key twice, or has words that YAML does
            not read as they look.

    """
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise EffbenchError(f"{path}:1: {form}")
        lines = _lines(path, root)
        return SafeConstructor().construct_document(root), lines
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        wrong = f"has {chr(error.character)!a}, which is no part of a text"
        raise EffbenchError(f"{path}:{line}: {wrong} (delete it)") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise EffbenchError(f"{path}:{line}: not YAML: {_problem(error)}") from error
    except (ValueError, OverflowError) as error:
        line = loader.get_mark().line + 1 if loader else 1
        wrong = "an escape that is no character (write the character itself)"
        raise EffbenchError(f"{path}:{line}: not YAML: {wrong}") from error


_MENDS = {
    r"'\t'": "indent with blanks",
    "mapping values are not allowed": "quote a text that holds ': '",
    "that cannot start any token": "quote a text that begins with it",
    "could not find expected ':'": "write NAME: VALUE",
    "found undefined alias": "write &NAME before what it stands for, above",
    "found unexpected end of stream": "is a quotation mark left open?",
}
"""Part of a message of YAML's parser -> how to mend the mistake."""


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = plain_line(str(error.problem))
    if "another document" in problem:
        return "another document begins (a suite is one)"
    mend = next((mend for part, mend in _MENDS.items() if part in problem), None)
    return f"{problem} ({mend})" if mend else problem


def _lines(path: Path, root: yaml.Node) -> dict[Place, int]:
    """Return the line of each place; raise the mistakes of single words, all in one error."""
    lines: dict[Place, int] = {}
    mistakes = Mistakes(path, lines)
    for place, node, is_key in _places(root, (), ()):
        line = node.start_mark.line + 1
        if len(lines) > MOST:
            raise EffbenchError(f"{path}:{line}: more than {MOST:,} places (too many aliases)")
        if is_key and place in lines:
            mistakes.add(place, f"stands twice, in line {line} too (keep one)")
        lines.setdefault(place, line)
        if wrong := misread(node, is_key=is_key):
            mistakes.add(place, wrong)
    mistakes.raise_all()
    return lines


def _places(
    node: yaml.Node, place: Place, around: tuple[yaml.Node, ...]
) -> Iterator[tuple[Place, yaml.Node, bool]]:
    """Yield the place of each key and each value, its node, and whether it is a key."""
    if any(node is outer for outer in around):
        raise yaml.MarkedYAMLError(
            problem="an anchor stands in itself (write it out)", problem_mark=node.start_mark
        )
    if len(around) > DEEPEST:  # aliases of aliases
        raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=node.start_mark)
    if place:
        yield place, node, False
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            word = key.value if isinstance(key, yaml.ScalarNode) else "?"
            yield (*place, word), key, True
            yield from _places(value, (*place, word), (*around, node))
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield from _places(value, (*place, i), (*around, node))
