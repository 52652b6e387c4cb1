"""Run tests with the lowest and the newest versions that pyproject.toml allows.

``make versions`` does it in fresh environments, which uv makes, and prints the table of
docs/versions.md. An environment takes gigabytes; it is deleted before the next is made.
Exit code 1: tests or an installation failed, or a Python that was asked for cannot be found;
2: a mistake in the command.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
CASES = tuple(f"{python}-{which}" for python in PYTHONS for which in ("lowest", "newest"))
EXTRAS = "quickstart,beir,nvml"
TOOLS = ("hypothesis", "jsonschema", "pytest", "pytest-timeout")
TESTS = (
    "commands", "planner", "suite", "runner", "artifacts", "door", "stock", "freeing",
    "measures", "significance", "folder", "archive", "workers", "chart", "training_runs",
    "beir", "bm25", "bounds", "exact", "faiss", "ir_datasets", "sentence_transformers",
    "transformer", "small_query", "training",
)  # fmt: skip
"""Names of test modules: what touches each dependency, files, processes and the clock."""

UNNAMED_BOUND = "datasets>=3"
"""A bound that beir should name: it takes every version of datasets, and old ones fail."""

SHOWN = (
    "torch", "transformers", "sentence-transformers", "numpy", "scipy", "faiss-cpu", "msgspec",
    "click",
)  # fmt: skip
NO_PYTHON = "not tested: no such Python here"


def main() -> int:
    """Try the cases that are asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "cases", nargs="*", metavar="CASE", help=f"such as {CASES[0]}, or {PYTHONS[0]} for both"
    )
    wanted = parser.parse_args().cases
    if unknown := {*wanted} - {*CASES, *PYTHONS}:
        parser.error(f"no such case: {', '.join(sorted(unknown))} (take of {', '.join(CASES)})")
    cases = [case for case in CASES if not wanted or {case, case.split("-")[0]} & {*wanted}]
    print("| Python | versions | " + " | ".join(SHOWN) + " | tests |")
    print("| --- | --- |" + " ---: |" * len(SHOWN) + " --- |", flush=True)
    fine = True
    for case in cases:
        cells = row(case)
        print(f"| {' | '.join(cells)} |", flush=True)
        passed = re.match(r"\d+ passed", cells[-1])  # pytest names failures first
        fine &= bool(passed) or (cells[-1] == NO_PYTHON and not wanted)
    return 0 if fine else 1


def row(case: str) -> list[str]:
    """Return a line of the table: what was installed, and what pytest says at its end."""
    python, which = case.split("-")
    folder = Path(tempfile.mkdtemp(prefix=f"effbench-{case}-"))
    versions: dict[str, str] = {}
    try:
        if uv("venv", "--clear", "--python", python, str(folder)) is None:
            outcome = NO_PYTHON
        elif not installed(folder, python, which):
            outcome = "could not be installed"
        else:
            lines = (
                uv("pip", "list", "--python", str(folder), "--format", "freeze") or ""
            ).splitlines()
            versions = dict(line.split("==", 1) for line in lines if "==" in line)
            outcome = tested(folder)
    finally:
        shutil.rmtree(folder)
    return [python, which, *(versions.get(name, "") for name in SHOWN), outcome]


def uv(*command: str) -> str | None:
    """Run uv; return what it prints, or None if it fails."""
    process = subprocess.run(
        [sys.executable, "-m", "uv", *command, "--quiet"], cwd=ROOT, check=False,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return None if process.returncode else process.stdout


def installed(folder: Path, python: str, which: str) -> bool:
    """Install effbench, then the newest tools; tell whether that succeeded.

    Only effbench is built, since few users could build more. On the oldest Python, the lowest
    versions are exactly those of pyproject.toml. On a newer Python, a version may have no
    wheel; then the lowest version that has one is installed.
    """
    options = ["--only-binary", ":all:", "--no-binary", "effbench"]
    bounds = [UNNAMED_BOUND]
    if which == "lowest":
        options += ["--resolution", "lowest-direct"]
        if python == PYTHONS[0]:
            named = re.findall(r'"([\w-]+)>=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
            bounds += [f"{name}=={bound}" for name, bound in named]
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(bounds))
    options += ["--constraints", str(constraints)]
    wanted = [[*options, "--editable", f".[{EXTRAS}]"], list(TOOLS)]
    return all(
        uv("pip", "install", "--python", str(folder), *each) is not None for each in wanted
    )


def tested(folder: Path) -> str:
    """Run the tests, with warnings of newer packages allowed; return pytest's last line."""
    paths = [path for name in TESTS for path in module_of(name)]
    python = str(folder / "bin" / "python")
    options = ["-q", "-rfEs", "-o", "filterwarnings=", "--timeout", "600"]
    command = [python, "-m", "pytest", *options, "-p", "no:cacheprovider", *paths]
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as tests:
        last = ""
        for last in tests.stdout or ():
            sys.stderr.write(last)
    return last.strip("= \n")


def module_of(name: str) -> list[str]:
    """Return the paths of the test modules of a name, in any folder of tests/."""
    paths = [str(path) for path in (ROOT / "tests").rglob(f"test_{name}.py")]
    if not paths:
        sys.exit(f"tests/ has no test_{name}.py (mend TESTS in {__file__})")
    return paths


if __name__ == "__main__":
    sys.exit(main())
