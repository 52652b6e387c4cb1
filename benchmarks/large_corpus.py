"""Run a suite on a large made-up corpus: memory, time and speed of each phase.

    python benchmarks/large_corpus.py --docs 8841823 --width 768 --queries 6980 --memory 4G
    python benchmarks/large_corpus.py --docs 1000000 --kills 20

The vectors of a toy encoder depend on the doc's number alone, and cost next to nothing, so the
figures are those of the harness and of the index ``exact``. The run is ``effbench run`` in a
process of its own. Its memory is sampled: the pages of the process itself (RSS without files),
and what its cgroup counts, if ``--memory`` could bound it. ``--kills`` kills such a run at
random moments, resumes it each time, and compares the run file with that of a run that nobody
killed; no finished shard, and no finished chunk of the search, may be written again.
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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from measured import Bound, Watched, plain_read, watch

PLUGIN = Path(__file__).with_name("large_plugin.py")
SUITE = """\
suite: large
datasets: [{{use: large, docs: {docs}, queries: {queries}}}]
measures: [nDCG@10, RR@10, R@{k}]
k: {k}
encoders: {{toy: {{use: large, width: {width}{store}}}}}
indexes: {{exact: {{use: exact}}}}
latency: false
"""
PHASES = {"encode toy corpus": "encode", "index": "index", "search": "search"}
SHARD_FILES = ("cache/encode/*/[0-9]*.json", "cache/run/*/part-*.json")


def main() -> None:
    """Measure one run, or kill one again and again."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--docs", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("-k", type=int, default=1_000)
    parser.add_argument("--float32", action="store_true", help="keep no float16 vectors")
    parser.add_argument("--memory", help="bound of a cgroup, such as 4G")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where there is room for the files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        prepare(folder, options)
        bound = Bound(options.memory)
        print(bound.told)
        if options.kills:
            sys.exit(kill(folder, options.kills, random.Random(options.seed), bound))
        report(folder, watch(command(folder, "run"), bound), options)
        bound.release()


def prepare(folder: Path, options: argparse.Namespace) -> None:
    """Write the suite, and install the plugin in a folder of ``PYTHONPATH``."""
    store = "" if options.float32 else ", store: float16"
    (folder / "suite.yaml").write_text(SUITE.format(**vars(options), store=store))
    installed = folder / "plugin" / "effbench_large-1.dist-info"
    installed.mkdir(parents=True)
    shutil.copy(PLUGIN, folder / "plugin")
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: effbench-large\nVersion: 1\n"
    )
    (installed / "entry_points.txt").write_text("[effbench]\nlarge = large_plugin\n")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(folder / "plugin"), *([before] if before else [])]
    )


def command(folder: Path, name: str) -> list[str]:
    """Return the command that runs the suite with cache and results in a folder."""
    places = [
        "--cache",
        str(folder / name / "cache"),
        "--results",
        str(folder / name / "results"),
    ]
    program = [sys.executable, "-c", "from effbench.cli.commands import main; main()"]
    return [*program, "run", str(folder / "suite.yaml"), *places]


class Phase(NamedTuple):
    """A phase of a run: the seconds in which it began and ended, and its line of progress."""

    name: str
    begin: float
    end: float
    line: str


def phases(watched: Watched, names: Mapping[str, str] = PHASES) -> Iterator[Phase]:
    """Yield the phases of a run from the lines that end them; the last is the scoring.

    ``names`` gives the start of such a line, and the name of its phase.
    """
    begin = 0.0
    for moment, line in watched.lines:
        for start, name in names.items():
            if line.startswith(start) and " in " in line:
                yield Phase(name, begin, moment, line)
                begin = moment
    yield Phase("score", begin, watched.seconds, "")


def report(folder: Path, watched: Watched, options: argparse.Namespace) -> None:
    """Print a line for each phase, and the speed of a plain read of the same files."""
    if watched.code:
        sys.exit("\n".join(line for _, line in watched.lines))
    shards = sorted(folder.glob("run/cache/encode/*/*.npy"))
    size = sum(path.stat().st_size for path in shards)
    print(
        f"{options.docs:,} docs x {options.width}: {size / 1e9:.2f} GB in {len(shards)} shards"
    )
    print("phase     seconds      docs/s     GB/s   own MB   all MB")
    for phase in phases(watched):
        inside = [s for s in watched.samples if phase.begin <= s.moment <= phase.end]
        own, every = (max((s[n] for s in inside), default=0) / 1e6 for n in (1, 2))
        seconds = phase.end - phase.begin
        print(
            f"{phase.name:8} {seconds:8.1f} {options.docs / seconds:11,.0f} "
            f"{size / seconds / 1e9:8.2f} {own:8,.0f} {every:8,.0f}"
        )
    print(f"in all   {watched.seconds:8.1f}; plain read of the shards: {plain_read(shards)}")
    for phase in phases(watched):
        if phase.line:
            print(f"  {phase.line}")


def kill(folder: Path, kills: int, chance: random.Random, bound: Bound) -> int:
    """Kill and resume a run; return how much went wrong."""
    whole = watch(command(folder, "whole"), bound)
    if whole.code:
        sys.exit("\n".join(line for _, line in whole.lines))
    wrong, stamps, hit = [], dict[str, int](), 0
    while hit < kills:
        process = bound.start(command(folder, "killed"))
        time.sleep(chance.uniform(1.0, 1.0 + 2 * whole.seconds / kills))
        alive = process.poll() is None
        if alive:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        hit += alive
        wrong += written_again(folder / "killed", stamps)
        if not alive:  # it was finished: begin anew
            wrong += differing(folder)
            shutil.rmtree(folder / "killed")
            stamps.clear()
    last = watch(command(folder, "killed"), bound)
    wrong += written_again(folder / "killed", stamps) + differing(folder)
    wrong += [f"the last run ended with {last.code}"] if last.code else []
    for line in wrong:
        print(f"WRONG: {line}")
    print(f"{hit} kills and resumes of a run of {whole.seconds:.0f} s, {len(wrong)} wrong")
    return min(1, len(wrong))


def written_again(folder: Path, stamps: dict[str, int]) -> list[str]:
    """Return the finished files that were written again since the last kill; note the new."""
    again = []
    for pattern in SHARD_FILES:
        for path in folder.glob(pattern):
            name, moment = str(path.relative_to(folder)), path.stat().st_mtime_ns
            if stamps.setdefault(name, moment) != moment:
                again.append(f"{name} was made again")
    return again


def differing(folder: Path) -> list[str]:
    """Return what differs between the run files."""
    files = [
        sorted(folder.glob(f"{name}/cache/run/*/run.trec")) for name in ("whole", "killed")
    ]
    same = files[0] and [f.read_bytes() for f in files[0]] == [f.read_bytes() for f in files[1]]
    return [] if same else ["other run files"]


if __name__ == "__main__":
    main()
