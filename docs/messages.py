"""Collect what the program says of mistakes: docs/messages.md is made of the code itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAYS = {"add", "append", "fail", "note", "remark", "say"}
"""Methods that are given what a user reads."""

NAMED = {"advice", "how", "line", "message", "reason", "wrong"}
"""Variables that hold it."""

ENDINGS = ("Error", "Failed", "Usage", "BadParameter", "Options")
"""Of the names of exceptions."""

LABELS = {"label", "who"}
"""Functions that return the name of a step or a row."""

WORD, PUT_IN, LEAST = re.compile(r"[A-Za-z]{2,}"), re.compile(r"\{[^{}]*\}"), 2
"""Words of a message that do not come from what is put in."""

HEAD = """\
# What effbench says

Written by `make docs` from the code: every message of a mistake and every remark, by the module
that says it. `{...}` stands for what the program puts there. A message says where, what, and in
parentheses how to mend it; who changes one reads it here beside its neighbours.
"""


def messages() -> str:
    """Return docs/messages.md."""
    parts = [HEAD]
    for path in sorted([*ROOT.glob("harness/**/*.py"), *ROOT.glob("plugins/**/*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = dict.fromkeys(text for text in _said(tree) if _speaks(text))
        if texts:
            lines = "".join(f"- `` {text} ``\n" for text in texts)
            parts.append(f"## {path.relative_to(ROOT).as_posix()}\n\n{lines}")
    return "\n".join(parts)


def _speaks(text: str) -> bool:
    """Tell whether a template has words of its own, and is no part of a sentence or a label."""
    return " " in text.strip() and len(WORD.findall(PUT_IN.sub(" ", text))) >= LEAST


def _said(tree: ast.AST) -> Iterator[str]:
    """Yield the texts that a module raises, notes or hands on as a message."""
    for node in _walked(tree):
        given: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in SAYS or name.endswith(ENDINGS):
                given = list(node.args)
        elif isinstance(node, ast.Yield | ast.Return) or (
            isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in NAMED
        ):
            given = [node.value]
        for expression in given:
            yield from _texts(expression)


def _walked(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a module in their order, less functions that only name a thing."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.FunctionDef) and child.name in LABELS):
            yield from _walked(child)


def _texts(node: ast.expr | None) -> Iterator[str]:
    """Yield the templates in an expression: texts of several words."""
    if isinstance(node, ast.Tuple | ast.List):
        for part in node.elts:
            yield from _texts(part)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif node is not None and (text := _template(node)) is not None:
        yield " ".join(text.split())


def _template(node: ast.expr) -> str | None:
    """Return a text or f-string, with names in braces for what is put in; None for all else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [_template(side) for side in (node.left, node.right)]
        if any(sides):
            return "".join("{...}" if side is None else side for side in sides)
    return None


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    inner: ast.AST = part.value if isinstance(part, ast.FormattedValue) else part
    return f"{{{_name(inner)}}}"


def _name(node: ast.AST) -> str:
    """Return a name for what is put in: that of the innermost thing that a reader may know."""
    match node:
        case ast.Name(id=name):
            return name.strip("_")
        case ast.Attribute(value=value, attr=name):
            return "type" if name == "__name__" else name.strip("_") or _name(value)
        case ast.Call(func=ast.Name(id="suggest")):
            return "did you mean ...?"
        case ast.Call(args=[inner, *_]):
            return _name(inner)
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.Starred(value=inner):
            return _name(inner)
        case ast.BoolOp(values=[inner, *_]) | ast.BinOp(left=inner) | ast.IfExp(body=inner):
            return _name(inner)
        case ast.GeneratorExp(elt=inner) | ast.ListComp(elt=inner) | ast.UnaryOp(operand=inner):
            return _name(inner)
        case ast.Constant(value=str(text)) if text.isidentifier():
            return text
    return "..."
