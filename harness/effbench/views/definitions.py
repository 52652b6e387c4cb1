"""The public definitions of the contract, read from the source: signatures and docstrings."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from effbench import api
from effbench.work import progress

PROGRESS = Path(progress.__file__)
"""The file of `TOLD`."""

TOLD = ("tell_encoded", "tell_steps")
"""The functions by which encoders and trainers tell how far they are."""

_RAISES = re.compile(r"Raises:\n((?: +.*\n?)+)")
_ERROR = re.compile(r"^ {4}(\w+): ", re.MULTILINE)


class Definition(NamedTuple):
    """A class, function, field or constant with its docstring."""

    name: str
    title: str
    """The name of a class; the signature of a function; name and type of a field."""

    text: str
    """The docstring, as Markdown."""

    members: tuple[Definition, ...] = ()
    bases: tuple[str, ...] = ()


@cache
def definitions() -> dict[str, Definition]:
    """Return name -> definition for all that the room `api` defines, and `TOLD`."""
    room = {
        definition.name: definition
        for path in sorted(Path(api.__path__[0]).glob("*.py"))
        for definition in _in(_tree(path).body)
    }
    beside = {definition.name: definition for definition in _in(_tree(PROGRESS).body)}
    return {**room, **{name: beside[name] for name in TOLD}}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _in(body: Sequence[ast.stmt]) -> Iterator[Definition]:
    """Yield what a module or class defines; the docstring of a field stands behind it."""
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef):
            bases = tuple(ast.unparse(base) for base in node.bases)
            yield Definition(node.name, node.name, _doc(node), tuple(_in(node.body)), bases)
        elif isinstance(node, ast.FunctionDef) and not _marked(node, "overload"):
            yield Definition(node.name, _signature(node), _doc(node))
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            name = ast.unparse(target)
            yield Definition(name, _field(name, node), _literal(after))


def _marked(node: ast.FunctionDef, mark: str) -> bool:
    """Tell whether a function has a decorator of this name."""
    return any(ast.unparse(decorator) == mark for decorator in node.decorator_list)


def _signature(node: ast.FunctionDef) -> str:
    """Return a method's signature without ``self``; of a property, name and type."""
    returns = ast.unparse(node.returns) if node.returns else ""
    if _marked(node, "property"):
        return f"{node.name}: {returns}"
    arguments = ast.unparse(node.args).removeprefix("self").removeprefix(", ")
    return f"{node.name}({arguments}) -> {returns}"


def _field(name: str, node: ast.AnnAssign | ast.Assign) -> str:
    """Return name, type and default of a field, or name and value of a text."""
    if isinstance(node, ast.Assign):
        return ast.unparse(node) if isinstance(node.value, ast.Constant) else name
    if ast.unparse(node.annotation) == "TypeAlias":
        return name
    default = f" = {ast.unparse(node.value)}" if node.value else ""
    return f"{name}: {ast.unparse(node.annotation)}{default}"


def _doc(node: ast.ClassDef | ast.FunctionDef) -> str:
    return _markdown(ast.get_docstring(node) or "")


def _literal(node: ast.stmt | None) -> str:
    """Return the text of a string that stands alone."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return _markdown(inspect.cleandoc(str(node.value.value)))
    return ""


def _markdown(doc: str) -> str:
    """Return a docstring as Markdown, with a sentence for what it raises."""
    return _RAISES.sub(_sentence, doc).replace("``", "`").strip()


def _sentence(raises: re.Match[str]) -> str:
    named = _ERROR.sub(r"It raises `\1`: ", raises[1])
    return "\n".join(line.strip() for line in named.split("\n"))
