"""Collect what the program says of mistakes: docs/messages.md is made of the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAYS = {"add", "append", "fail", "note", "remark", "say"}
"""Methods that are given what a user reads."""

NAMED = {"advice", "how", "line", "message", "reason", "wrong"}
"""Variables that hold it."""

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
        texts = dict.fromkeys(text for text in _said(tree) if " " in text.strip())
        if texts:
            lines = "".join(f"- `` {text} ``\n" for text in texts)
            parts.append(f"## {path.relative_to(ROOT).as_posix()}\n\n{lines}")
    return "\n".join(parts)


def _said(tree: ast.AST) -> Iterator[str]:
    """Yield the texts that a module raises, notes or hands on as a message."""
    for node in ast.walk(tree):
        given: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in SAYS or name.endswith(("Error", "Failed", "Usage", "BadParameter")):
                given = list(node.args)
        elif isinstance(node, ast.Yield | ast.Return) or (
            isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in NAMED
        ):
            given = [node.value]
        for expression in given:
            yield from _texts(expression)


def _texts(node: ast.expr | None) -> Iterator[str]:
    """Yield the templates in an expression: texts of several words."""
    if isinstance(node, ast.Tuple):
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
    inner = part.value if isinstance(part, ast.FormattedValue) else part
    while isinstance(inner, ast.Call) and inner.args:
        inner = inner.args[0]
    name = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "...")
    return f"{{{name}}}"
