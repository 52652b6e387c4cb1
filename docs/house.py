"""The house in figures: import circles, floors, modules, lines, files and functions.

    python docs/house.py

Imports inside functions, and those for types alone, count too. Modules that import each other
stand on one floor. A function is counted from ``def`` to its last line.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
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
    circles, floors = imports()
    tenths = statistics.quantiles(of_functions, n=20)
    figures = {
        "groups of modules that import each other": circles,
        "floors of imports in `harness`": floors,
        "modules directly in `harness/effbench`": len(list(ROOT.glob("harness/effbench/*.py"))),
        **{f"lines of `{name}`": sum(map(lines, paths)) for name, paths in sources.items()},
        "lines of a file, median and longest": (statistics.median(of_files), max(of_files)),
        "lines of a function, median and 95th percentile": (tenths[9], tenths[18]),
    }
    print("| the house | figure |\n| --- | ---: |")
    for what, figure in figures.items():
        shown = figure if isinstance(figure, tuple) else (figure,)
        print(f"| {what} | {', '.join(f'{number:,.0f}' for number in shown)} |")


def imports() -> tuple[int, int]:
    """Return how many groups of modules import each other, and how many floors there are."""
    graph = grimp.build_graph("effbench")
    modules = sorted(graph.modules)
    numbers = {module: number for number, module in enumerate(modules)}
    edges = [
        (numbers[module], numbers[imported])
        for module in modules
        for imported in graph.find_modules_directly_imported_by(module)
    ]
    rows, columns = np.transpose(edges)
    matrix = csr_array((np.ones(len(edges)), (rows, columns)), (len(modules), len(modules)))
    count, group = connected_components(matrix, connection="strong")
    below: dict[int, set[int]] = {number: set() for number in range(count)}
    for module, imported in edges:
        if group[module] != group[imported]:
            below[group[module]].add(group[imported])

    @cache
    def floor(number: int) -> int:
        return 1 + max(map(floor, below[number]), default=0)

    return int(sum(np.bincount(group) > 1)), max(map(floor, below))


def lines(path: Path) -> int:
    """Return how many lines a file has."""
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(path: Path) -> Iterator[int]:
    """Yield how many lines each function of a file has."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


if __name__ == "__main__":
    main()
