"""The map in docs/development.md: rooms, plugins and the flow of data, as the code has them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import tomllib

from effbench.offers import plugins
from effbench.plan import planner

ROOT = Path(__file__).parents[1]
HARNESS, PLUGINS = ROOT / "harness" / "effbench", ROOT / "plugins"
SUITES = ("beir", "oag-qa", "small-query-msmarco", "soft-prompt-beir")
"""They have every kind of step, and can be planned without data or network."""


def filled(page: str) -> str:
    """Return docs/development.md with its generated parts made anew."""
    for name, part in (("flow", flow()), ("rooms", rooms()), ("plugins", of_plugins())):
        begin, end = f"<!-- {name}: made by `make docs` -->\n", f"<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}{part}{end}{rest.partition(end)[2]}"
    return page


def flow() -> str:
    """Return which steps read which others, to records and sessions, as a chart for Mermaid."""
    arrows: set[tuple[str, str]] = {("record", "board"), ("session", "board")}
    kinds: dict[str, str] = {}
    with TemporaryDirectory() as folder:
        for name in SUITES:
            path, memory = ROOT / "suites" / f"{name}.yaml", Path(folder, "digests")
            plan = planner.make(path, plugins.load(), memory, path.parent)
            for step in plan.steps().values():
                kinds[type(step).__name__] = step.kind
                arrows |= {(type(read).__name__, type(step).__name__) for read in step.inputs}
            for cell in plan.cells:
                arrows.add((type(cell.search).__name__, "record"))
                arrows |= {(type(step).__name__, "session") for step in cell.opened}
    nodes = [f'  {name}["{name}<br>{kind}/"]\n' for name, kind in sorted(kinds.items())]
    lines = [f"  {before} --> {after}\n" for before, after in sorted(arrows)]
    return f"```mermaid\nflowchart LR\n{''.join([*nodes, *lines])}```\n"


def rooms() -> str:
    """Return a section for each room, in the order of the layers of `make lint`."""
    return "".join(
        f"### {room}\n\n{' '.join(_docstring(HARNESS / room / '__init__.py').split())}\n\n"
        + _table(HARNESS, (HARNESS / room).rglob("*.py"))
        for room in reversed(layers())
    )


def layers() -> list[str]:
    """Return the rooms as pyproject.toml has them, the highest first."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    names = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [name for name in names if (HARNESS / name).is_dir()]


def of_plugins() -> str:
    """Return a table of all modules of plugins."""
    return _table(PLUGINS, PLUGINS.rglob("*.py"))


def _table(folder: Path, paths: Iterable[Path]) -> str:
    """Return a table of modules: the file, and the first line of its docstring."""
    lines = [
        f"| `{path.relative_to(folder)}` | {_docstring(path).splitlines()[0]} |\n"
        for path in sorted(paths)
        if folder == PLUGINS or path.name != "__init__.py" or path.parent.parent != folder
    ]
    return "".join(["| file | what it is for |\n| --- | --- |\n", *lines, "\n"])


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
