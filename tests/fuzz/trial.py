"""A command that is tried on an input, and what must hold whatever the input is.

Inputs are written to files before a command reads them: if the process dies, they are there.
"""

from __future__ import annotations

import faulthandler
import os
import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner, Result
from hypothesis import HealthCheck, settings

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")

FUZZ = settings(
    max_examples=int(EXAMPLES or 25),
    derandomize=EXAMPLES is None,  # the same examples each time: no test fails by chance
    database=None if EXAMPLES is None else settings.default.database,
    deadline=None,  # but see `limited`
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)

CPU_SECONDS = 20
"""Of one command; the longest takes half a second."""

SECONDS = 300
"""When a command that waits for something ends the process."""

HANG = Path(".hypothesis", "hang.txt")
"""What it did then."""

MEMORY = 1 << 30
"""Bytes by which one command may raise the most that the process has had."""

LONGEST = 2000
"""Characters of a line of stderr."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class Hang(BaseException):
    """A command took too long."""


def tried(*arguments: object) -> Result:
    """Run the command line in this process; refuse an ending that no input may bring about."""
    from effbench.cli.commands import main

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with limited():
        result = CliRunner().invoke(main, [str(one) for one in arguments])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception  # itself: Hypothesis tells faults apart by their places
    assert result.exit_code in (0, 1, 2), result.output
    assert "Traceback" not in result.output
    assert (after - before) * 1024 < MEMORY, f"{(after - before) >> 10} MiB more"
    control = _CONTROL.search(result.output)
    assert not control, f"{control[0]!r} in {result.output!r:.3000}"
    longest = max(map(len, result.stderr.splitlines()), default=0)
    assert longest <= LONGEST, f"a line of {longest} characters: {result.stderr:.500}"
    assert result.exit_code == 0 or result.output.strip(), "it failed and says nothing"
    return result


@contextmanager
def limited() -> Iterator[None]:
    """Raise `Hang` in what computes for too long; end a process that waits for too long."""
    slow: list[Hang] = []

    def stop(*_: object) -> None:
        slow.append(Hang())
        raise slow[-1]

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS, CPU_SECONDS)
    HANG.parent.mkdir(exist_ok=True)
    with HANG.open("w") as file:
        faulthandler.dump_traceback_later(SECONDS, exit=True, file=file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
    assert not slow, f"more than {CPU_SECONDS} seconds of a processor"
