"""Trial of measures in a child process, since their providers may abort, hang or exit."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from effbench.api.errors import EffbenchError
from effbench.steps.measures import attempt, parse_measure, plain
from effbench.text.words import plain_line

SECONDS = 60.0
"""Time limit of a process for all its measures, which take a fraction of a second."""

_KNOWN: dict[str, str] = {}
"""Measure -> its verdict so far, since one process may plan many suites."""


def checked_measures(
    texts: Sequence[object], *, trying: bool = True
) -> tuple[list[str], dict[int, str]]:
    """Return the measures that the texts spell, and index of a text -> what is wrong.

    A measure is named as ir_measures writes it. Measures that are not `plain` are tried on a
    query with three hits, so that no work is done before one fails.
    """
    names: dict[int, str] = {}
    wrong: dict[int, str] = {}
    doubtful = []
    for i, text in enumerate(texts):
        try:
            measure = parse_measure(text)
        except EffbenchError as error:
            wrong[i] = str(error)
        else:
            names[i] = str(measure)
            doubtful += [] if plain(measure) else [names[i]]
    verdicts = _verdicts(doubtful) if trying else {}
    wrong |= {i: verdicts[name] for i, name in names.items() if verdicts.get(name)}
    return list(dict.fromkeys(name for i, name in names.items() if i not in wrong)), wrong


def _verdicts(measures: Iterable[str]) -> Mapping[str, str]:
    """Return measure -> what is wrong with it; "" if it can be calculated."""
    left = [name for name in dict.fromkeys(measures) if name not in _KNOWN]
    while left:
        answers, end = _answers(left)
        _KNOWN.update(zip(left, answers, strict=False))
        left = left[len(answers) :]
        if left:  # the first one has ended the process
            dead, *left = left
            _KNOWN[dead] = f"{dead} cannot be calculated: {end}"
    return _KNOWN


def _answers(measures: Sequence[str]) -> tuple[list[str], str]:
    """Return the verdicts of a new process, as far as it came, and how the process ended."""
    paths = os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "effbench.steps.trial"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1"},
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(json.dumps(measures).encode(), SECONDS)
            code = process.returncode
            how = signal.strsignal(-code) if code < 0 else f"exit code {code}"
            end = f"its provider ends the process ({how})"
        except subprocess.TimeoutExpired:
            _kill(process)
            output, _ = process.communicate()
            end = f"no answer after {SECONDS:g} s"
        finally:  # also after an interrupt
            if process.poll() is None:
                _kill(process)
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - 10_000))
        words = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
    lines = output.rpartition(b"\n")[0]  # the last line may be cut off
    end = f"{end}: {plain_line(words, 200)}" if words else end
    return [json.loads(line) for line in lines.splitlines()], end


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever its providers have started."""
    process.kill()
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)


def main() -> None:
    """Read a list of measures in JSON, and write the verdict on each as a line of JSON."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # providers print to standard error
    for name in json.load(sys.stdin):
        try:
            attempt(name)
            wrong = ""
        except EffbenchError as error:
            wrong = str(error)
        answers.write(json.dumps(wrong) + "\n")


if __name__ == "__main__":
    main()
