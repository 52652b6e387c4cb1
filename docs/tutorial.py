"""Type what docs/tutorial.md says, and write below each command what it has said.

``python docs/tutorial.py`` takes some minutes and changes the page; tests use `followed`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PAGE = Path(__file__).with_suffix(".md")
BLOCK = re.compile(
    r"(?:^`(?P<name>[\w.]+)`:\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
PROMPT = "$ "
INSTALL = f"{PROMPT}pip "
"""It is not typed: who runs the page has installed effbench."""


def followed(page: str, folder: Path, type_in: Callable[[str, Path], str]) -> str:
    """Return the page with what its commands say now: its files are written, in their order.

    ``type_in`` runs a command in ``folder`` and returns what it has printed.
    """

    def block(found: re.Match[str]) -> str:
        if found["name"]:
            (folder / found["name"]).write_text(found["text"], encoding="utf-8")
        if found["language"] != "console" or found["text"].startswith(INSTALL):
            return found[0]
        commands = [line for line in found["text"].split("\n") if line.startswith(PROMPT)]
        typed = [(line, type_in(line.removeprefix(PROMPT), folder)) for line in commands]
        return "```console\n" + "".join(f"{line}\n{said}" for line, said in typed) + "```"

    return BLOCK.sub(block, page)


def type_in(command: str, folder: Path) -> str:
    """Run a command and return what a terminal of 110 columns would show, bars aside.

    Raises:
        subprocess.CalledProcessError: it failed.

    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = subprocess.run(  # noqa: S602 # the page's commands are ours, for a shell
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "110", "TQDM_DISABLE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    said = "".join(f"{line.rstrip()}\n" for line in found.stdout.splitlines())
    if found.returncode:
        raise subprocess.CalledProcessError(found.returncode, command, said)
    return said.replace(f"{folder}/", "")


def main() -> None:
    """Follow the page and write it anew; say how long each command took."""

    def timed(command: str, folder: Path) -> str:
        begin = time.monotonic()
        said = type_in(command, folder)
        print(f"{time.monotonic() - begin:7.1f} s  {command}")  # noqa: T201
        return said

    with tempfile.TemporaryDirectory() as folder:
        os.environ["EFFBENCH_CACHE"] = f"{folder}/.cache"  # nothing is there already
        page = followed(PAGE.read_text(encoding="utf-8"), Path(folder), timed)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
