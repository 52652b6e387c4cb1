"""Runs of the command line in processes of their own, which are forked: they start at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

SECONDS = 60
"""After which a process is ended by a signal."""

MAIN = "from effbench.cli.commands import main; main()"
"""What ``python -c`` does as the program itself."""

SERVER = """
import gc, json, os, random, signal, sys
import numpy, torch
from click.testing import CliRunner
from effbench.cli.commands import main

def started(task):
    random.seed(7)  # Python draws another in each child
    signal.alarm(task["seconds"])
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, task["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND),
        (2, task["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND),
    ):
        os.dup2(os.open(path, flags), number)
    os.closerange(3, 64)
    sys.argv = ["effbench", *task["arguments"]]
    main()  # as the program itself does, which contains more than a call with arguments

CliRunner().invoke(main, json.loads(sys.argv[1]))  # what it imports, no child need import
gc.freeze()  # nor look through
for line in sys.stdin:
    child = os.fork()
    if not child:
        started(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def environment(*folders: object, **more: str) -> dict[str, str]:
    """Return this environment with ``more``, for a process that imports what this one may.

    Modules of ``folders`` go before those of the same name elsewhere.
    """
    path = os.pathsep.join([*map(str, folders), *filter(None, sys.path)])
    return {**os.environ, "PYTHONPATH": path, **more}


class Ended(NamedTuple):
    """How a process ended: exit code (or less than 0: the signal), and what it said."""

    code: int
    stdout: str
    stderr: str


class Forks:
    """Starts processes, one at a time."""

    def __init__(self, server: subprocess.Popen[str], folder: Path) -> None:
        self._server, self._folder = server, folder

    def run(self, *arguments: object) -> Ended:
        """Run the command line in a process of its own."""
        paths = [self._folder / name for name in ("stdout", "stderr")]
        task = {
            "arguments": list(map(str, arguments)),
            "seconds": SECONDS,
            "stdout": str(paths[0]),
            "stderr": str(paths[1]),
        }
        self._server.stdin.write(json.dumps(task) + "\n")  # type: ignore[union-attr]
        self._server.stdin.flush()  # type: ignore[union-attr]
        code = int(self._server.stdout.readline())  # type: ignore[union-attr]
        return Ended(code, *(path.read_text(errors="replace") for path in paths))


@contextmanager
def forks(folder: Path, warm: list[str], toys: Path) -> Iterator[Forks]:
    """Yield what starts processes; ``warm`` is a command that is run once before."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, json.dumps(warm)],
        env=environment(toys, OMP_NUM_THREADS="1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        yield Forks(server, folder)
        server.stdin.close()  # type: ignore[union-attr]
