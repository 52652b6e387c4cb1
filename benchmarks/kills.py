"""Kill runs at random moments, resume each of them, and check the results.

    python benchmarks/kills.py [--kills N] [--seed N] [--folder DIR]

The moments are file operations of the run: a file is opened for writing, renamed or removed,
or a folder is made. All have the same probability, so steps of every kind are hit, even short
ones. Half of the kills come up to two milliseconds after such an operation. Every second kill
hits a suite with a real training.

After each kill the run is resumed. Its records, runs and texts must be the same as without a
kill. Finished steps must not be made again, every step must be whole, and no temporary file
may be left. A folder in memory makes the program several times as fast (--folder /dev/shm).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import disturbed

EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
LATER_S = 0.002
HOURS_S = 2 * 3600


def main() -> None:
    """Print what the kills hit, what was wrong, and how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where there is room for a folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        begin = time.monotonic()
        hit, wrong = kill_all(Path(temporary), options.kills, options.seed)
    for line in wrong:
        print(f"WRONG: {line}")
    places = ", ".join(f"{place} {count}" for place, count in sorted(hit.items()))
    print(
        f"{hit.total()} kills and resumes in {time.monotonic() - begin:.0f} s "
        f"({time.process_time() + sum(os.times()[2:4]):.0f} s of processors), "
        f"{len(wrong)} wrong; in the midst of: {places}"
    )
    sys.exit(bool(wrong))


def kill_all(folder: Path, kills: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Return what the kills hit (kinds of step, parts of the results), and what went wrong."""
    chance, hit, wrong = random.Random(seed), Counter[str](), []
    suites = [_Undisturbed(folder / name, name == "trained") for name in ("toys", "trained")]
    for number in range(kills):
        place, problems = suites[number % 2].kill(folder / "killed", chance)
        hit[place] += 1
        wrong += [f"kill {number} in {place}: {problem}" for problem in problems]
    return hit, wrong


class _Undisturbed:
    """A suite, and the results of a run that was not killed."""

    def __init__(self, folder: Path, training: bool) -> None:
        self._suite = disturbed.prepare(folder, training=training)
        self._folder = folder / "undisturbed"
        log = folder / "operations"
        ended = disturbed.run(
            self._suite, self._folder, lambda: _watch(self._folder, log, 0, 0)
        )
        if ended.code:
            sys.exit(f"the undisturbed run failed:\n{ended.stderr}")
        self._operations = len(log.read_text().splitlines())

    def kill(self, folder: Path, chance: random.Random) -> tuple[str, list[str]]:
        """Kill a run in ``folder`` and resume it; return what was hit, and what is wrong."""
        code, log = 0, folder.with_name("operations")
        while code == 0:  # a run may end before a late kill
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            log.unlink(missing_ok=True)
            moment = chance.randint(1, self._operations)
            later = chance.choice([0.0, chance.uniform(1e-5, LATER_S)])
            watch = partial(_watch, folder, log, moment, later)
            code = disturbed.run(self._suite, folder, watch).code
        place = _place(log.read_text().splitlines()[-1], folder)
        before = dict(_finished(folder))
        for path in _temporary(folder):  # as if the run were resumed hours later
            os.utime(path, (time.time() - HOURS_S,) * 2, follow_symlinks=False)
        resumed = disturbed.run(self._suite, folder)
        return place, list(self._wrong(folder, code, resumed, before))

    def _wrong(
        self, folder: Path, code: int, resumed: disturbed.Ended, before: dict[str, int]
    ) -> Iterator[str]:
        if code not in (-signal.SIGKILL, -signal.SIGALRM):
            yield f"the killed run ended with {code}"
        if resumed.code:
            yield f"the resumed run ended with {resumed.code}: {resumed.stderr[-500:]}"
        if "corrupt" in resumed.stderr:
            yield f"took something for corrupt: {resumed.stderr}"
        if disturbed.records(folder) != disturbed.records(self._folder):
            yield "other records"
        if disturbed.exported(folder) != disturbed.exported(self._folder):
            yield "other runs or texts"
        after = dict(_finished(folder))
        for name, moment in before.items():
            if after.get(name) != moment:
                yield f"made again: {name}"
        for name in disturbed.unsound(folder):
            yield f"not whole: {name}"
        for path in _temporary(folder):
            yield f"left: {path.relative_to(folder)}"


def _watch(folder: Path, log: Path, moment: int, later: float) -> None:
    """Log the file operations in ``folder``; kill this process at or after number ``moment``.

    ``later`` is the time in seconds between the operation and the kill; a ``moment`` of 0
    kills nothing.
    """
    count, inside = 0, f"{folder}/"
    notes = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        path = str(arguments[0]) if event in EVENTS else ""
        if not path.startswith(inside) or (event == "open" and not _writes(arguments)):
            return
        count += 1
        os.write(notes, f"{path}\n".encode())
        if count == moment and later:
            signal.setitimer(
                signal.ITIMER_REAL, later
            )  # the signal has no handler, so it ends the process
        elif count == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(note)


def _writes(arguments: tuple[object, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    if isinstance(mode, str):
        return mode.strip("rbt") != ""
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _place(line: str, folder: Path) -> str:
    """Return the kind of step, or the part of the results, that a path belongs to."""
    parts = Path(line).relative_to(folder).parts
    if parts[0] == "cache":
        return parts[1] if len(parts) > 2 else "store"
    return "records" if len(parts) < 5 else f"{parts[3]} exported"


def _finished(folder: Path) -> Iterator[tuple[str, int]]:
    for pattern in ("cache/*/*/manifest.json", "results/*/toys/*--*.json"):
        for path in folder.glob(pattern):
            if not path.name.startswith("."):
                yield str(path.relative_to(folder)), path.stat().st_mtime_ns


def _temporary(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if ".locks" not in path.parts]


if __name__ == "__main__":
    main()
