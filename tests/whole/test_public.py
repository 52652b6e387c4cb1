"""The public face: what a plugin may import, as docs/plugins.md says it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import effbench
from effbench import commands, files
from effbench.api.kinds import KINDS
from effbench.views.definitions import definitions
from folders import ROOT

PYPROJECT = (ROOT / "pyproject.toml").read_text()
_, _, SECTION = (ROOT / "docs" / "plugins.md").read_text().partition("## What you may use\n")
CELLS = re.findall(r"^\| (`.+?`) \|", SECTION, re.MULTILINE)
DOCUMENTED = [name for cell in CELLS for name in re.findall(r"`(.+?)`", cell)]
FACE = {"effbench", "effbench.files", "effbench.commands"}
NOT_MODELS = {"effbench_ending"}  # of the toys: a plugin that calls effbench as users do


def plugin_of(path: Path, root: Path) -> str:
    return path.relative_to(root).parts[0].removesuffix(".py")


def defined(module: Path) -> set[str]:
    """Return the names that a module defines; importing it would wait for torch."""
    path = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
    body = ast.parse(path.read_text(encoding="utf-8")).body
    assigned = [
        *(target for node in body if isinstance(node, ast.Assign) for target in node.targets),
        *(node.target for node in body if isinstance(node, ast.AnnAssign)),
    ]
    return {
        *(node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)),
        *(target.id for target in assigned if isinstance(target, ast.Name)),
    }


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield module and name of what a file imports, inside of functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def test_every_public_name_is_documented_once_and_exists() -> None:
    library = [name for name in DOCUMENTED if "." in name]
    public = [*effbench.__all__, *files.__all__, *commands.__all__]
    assert sorted(DOCUMENTED) == sorted([*public, *library])
    for name in library:
        module, _, last = name.rpartition(".")
        assert last in defined(ROOT / "plugins" / module.replace(".", "/")), name


def test_every_type_in_a_signature_of_the_contract_is_public() -> None:
    ours = definitions()
    named = {
        name
        for kind in KINDS.values()
        for part in (*kind.contract, *kind.besides, *kind.gets, *kind.options)
        for definition in (ours[part], *ours[part].members)
        for name in re.findall(r"\w+", definition.title)
    }
    assert {"Vectors", "Positions", "VectorSource", "ScoredDoc"} <= named
    assert named & set(ours) <= {*effbench.__all__, "text"}  # a field, and a function of a view
    for name in named & set(effbench.__all__):
        assert hasattr(effbench, name)


def test_plugins_use_of_each_other_only_what_is_documented() -> None:
    used = {
        f"{module}.{name}"
        for path in (ROOT / "plugins").rglob("*.py")
        for module, name in imports(path)
        if module.startswith("effbench_")
        and module.partition(".")[0] != plugin_of(path, ROOT / "plugins")
    }
    assert used == {name for name in DOCUMENTED if "." in name}


@pytest.mark.parametrize("folder", ["plugins", "tests/third_party", "tests/toy"])
def test_plugins_import_the_public_face_alone(folder: str) -> None:
    paths = list((ROOT / folder).rglob("*.py"))
    assert paths
    for path in paths:
        modules = {module for module, _ in imports(path) if module.startswith("effbench.")}
        assert modules <= FACE or plugin_of(path, ROOT / folder) in NOT_MODELS, path


def test_the_linter_looks_at_every_plugin() -> None:
    (named,) = re.findall(r"^root_packages = \[(.*?)\]", PYPROJECT, re.DOTALL | re.MULTILINE)
    packages = {path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py")}
    assert set(re.findall(r'"(.+?)"', named)) == {"effbench", *packages}
    assert not list((ROOT / "plugins").glob("*.py")), "the linter sees packages alone"


def test_importing_effbench_waits_for_nothing_heavy() -> None:
    code = "import sys, effbench; print(*{'click', 'numpy', 'torch'} & sys.modules.keys())"
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == ""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code, to be changed for the worse."""
    pytest.importorskip("importlinter")
    folder = tmp_path_factory.mktemp("code")
    for name in ("harness", "plugins"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


LOWER = "def f() -> None:\n    from effbench.store import disk\n"
TYPED = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import effbench.store.disk\n"


@pytest.mark.parametrize(
    ("file", "code", "said"),
    [
        ("plugins/effbench_cut/__init__.py", LOWER, "effbench_cut -> effbench.store.disk"),
        ("plugins/effbench_cut/__init__.py", TYPED, "effbench_cut -> effbench.store.disk"),
        (
            "plugins/effbench_soft_prompt/heat.py",
            "import effbench_training.mining\n",
            "effbench_soft_prompt.heat -> effbench_training.mining",
        ),
        (
            "harness/effbench/store/disk.py",
            "def f() -> None:\n    from effbench.cli import options\n",
            "effbench.store.disk -> effbench.cli.options",
        ),
        (
            "harness/effbench/statistics/__init__.py",
            "import effbench.run.records\n",
            "effbench.statistics -> effbench.run.records",
        ),
        ("harness/effbench/attic/__init__.py", "", "- effbench.attic"),
    ],
)
def test_a_forbidden_import_is_named(copy: Path, file: str, code: str, said: str) -> None:
    path = copy / file
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((before or b"") + code.encode())
    try:
        found = linted(copy)
    finally:
        if before is None:
            shutil.rmtree(path.parent)
        else:
            path.write_bytes(before)
    assert found.returncode == 1
    assert said in found.stdout


def test_the_imports_as_they_are_are_allowed(copy: Path) -> None:
    found = linted(copy)
    assert found.returncode == 0, found.stdout


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path[:0] = ['harness', 'plugins'];"
        "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True
    )
