"""The notation of measures: ``Name(parameter=value)@cutoff``.

ir_measures 0.4.3 reads the same, but needs `ast.Num`, which Python 3.14 does not have.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ir_measures.measures import Measure


def measure_of(text: str) -> Measure:
    """Return the measure of ir_measures that ``text`` spells.

    Raises:
        NameError: there is no such measure.
        SyntaxError, ValueError, TypeError, MemoryError, RecursionError: it spells none.

    """
    from ir_measures import measures

    statements = ast.parse(text).body
    if len(statements) != 1 or not isinstance(statements[0], ast.Expr):
        raise ValueError("it is not one expression")
    node = statements[0].value
    cutoff, parameters = None, []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        cutoff, node = node.right, node.left
    if isinstance(node, ast.Call):
        if node.args:
            raise ValueError("a parameter has no name")
        parameters, node = node.keywords, node.func
    if not isinstance(node, ast.Name):
        raise ValueError("it is no name of a measure")
    if node.id not in measures.registry:
        raise NameError(f"there is no measure {node.id}")
    kind = measures.registry[node.id]
    values: dict[Any, Any] = {each.arg: _value(each.value) for each in parameters}
    if cutoff:
        values[kind.AT_PARAM] = _value(cutoff)
    measure: Measure = kind(**values)
    return measure


def _value(node: ast.expr) -> Any:
    if not isinstance(node, (ast.Constant, ast.Dict)):
        raise ValueError("a value is no number, text or mapping")
    return ast.literal_eval(node)
