"""The code in figures: import circles, floors, modules, lines, files and functions.

    python docs/house.py

Imports inside functions, and those for types alone, count too. Modules that import each other
stand on one floor. A function is counted from ``def`` to its last line. Lines of code are those
that are not empty, a comment or a docstring.
"""

from __future__ import annotations

import ast
import io
import statistics
import tokenize
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import grimp
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

import effbench

ROOT = Path(effbench.__file__).parents[2]


def main() -> None:
    """Print a Markdown table."""
    sources = {name: list((ROOT / name).rglob("*.py")) for name in ("harness", "plugins")}
    files = [path for paths in sources.values() for path in paths]
    of_files = [lines(path) for path in files]
    of_functions = [length for path in files for length in functions(path)]
    imports = imported()
    circles, floors = stories(imports)
    _, rooms = stories([(room_of(one), room_of(other)) for one, other in imports])
    tenths = statistics.quantiles(of_functions, n=20)
    figures = {
        "groups of modules that import each other": circles,
        "floors of imports between modules": floors,
        "floors of imports between rooms": rooms,
        "modules directly in `harness/effbench`": len(list(ROOT.glob("harness/effbench/*.py"))),
        **{f"lines of `{name}`": sum(map(lines, paths)) for name, paths in sources.items()},
        **{
            f"lines of code of `{name}`": sum(map(lines_of_code, paths))
            for name, paths in sources.items()
        },
        "lines of a file, median and longest": (statistics.median(of_files), max(of_files)),
        "lines of a function, median and 95th percentile": (tenths[9], tenths[18]),
    }
    print("| what | figure |\n| --- | ---: |")
    for what, figure in figures.items():
        shown = figure if isinstance(figure, tuple) else (figure,)
        print(f"| {what} | {', '.join(f'{number:,.0f}' for number in shown)} |")


def imported() -> list[tuple[str, str]]:
    """Return the pairs (module, a module of effbench that it imports)."""
    graph = grimp.build_graph("effbench")
    return [
        (module, target)
        for module in sorted(graph.modules)
        for target in graph.find_modules_directly_imported_by(module)
    ]


def room_of(module: str) -> str:
    """Return the name of the package, below effbench, that a module is in."""
    return module.split(".")[1] if "." in module else module


def stories(imports: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """Return how many groups of names import each other, and how many floors there are."""
    names = sorted({name for pair in imports for name in pair})
    numbers = {name: number for number, name in enumerate(names)}
    edges = [(numbers[name], numbers[target]) for name, target in imports]
    rows, columns = np.transpose(edges)
    matrix = csr_array((np.ones(len(edges)), (rows, columns)), (len(names), len(names)))
    count, group = connected_components(matrix, connection="strong")
    below: dict[int, set[int]] = {number: set() for number in range(count)}
    for name, target in edges:
        if group[name] != group[target]:
            below[group[name]].add(group[target])

    @cache
    def floor(number: int) -> int:
        return 1 + max(map(floor, below[number]), default=0)

    return int(sum(np.bincount(group) > 1)), max(map(floor, below))


def lines(path: Path) -> int:
    """Return how many lines a file has."""
    return len(path.read_text(encoding="utf-8").splitlines())


def lines_of_code(path: Path) -> int:
    """Return how many lines of a file are not empty, a comment or a docstring."""
    source = path.read_text(encoding="utf-8")
    empty = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    numbers = {
        number
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in empty and token.string
        for number in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            numbers -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(numbers)


def functions(path: Path) -> Iterator[int]:
    """Yield how many lines each function of a file has."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


if __name__ == "__main__":
    main()
