"""Time ``effbench cache`` on a cache with many artifacts, in fresh processes.

    python benchmarks/cache_listing.py [--artifacts N] [--folder DIR]

The artifacts belong to ten suites of ten rows, and each has three files and a manifest. The
first listing does not know which suite uses which artifact, as in caches of older versions.
The last command frees a suite.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from effbench.store.disk import sealed, write_json

KINDS = ("data", "encode", "index", "model", "queries", "retriever", "run", "texts")
SUITES = ROWS = 10


def main() -> None:
    """Print the time of each command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--artifacts", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="where there is room for a folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        root = Path(temporary)
        names = [_made(root, number) for number in range(options.artifacts)]
        _timed(f"uses unknown, {len(names):,} artifacts", root)
        for suite in range(SUITES):
            artifacts = {n: [f"row-{i % ROWS}"] for i, n in enumerate(names[suite::SUITES])}
            facts = {"suite": f"suite-{suite}", "artifacts": artifacts}
            write_json(root / "uses" / f"{suite:032x}.json", facts)
        _timed("uses known", root)
        _timed("as JSON, with labels", root, "--json")
        _timed("free a suite", root, "free", "--suite", "suite-3", "--yes")


def _made(root: Path, number: int) -> str:
    """Make an artifact with the files that a step writes; return its name."""
    key = hashlib.sha256(str(number).encode()).hexdigest()[:32]
    kind = KINDS[number % len(KINDS)]
    folder = root / kind / key
    folder.mkdir(parents=True)
    files = {f"{place:05}.npy": bytes(1000) for place in range(3)}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    facts = {
        "kind": kind,
        "key": key,
        "label": f"{kind} of row-{number % ROWS} on dataset-{number}",
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    (folder / "manifest.json").write_text(sealed(facts))
    (root / kind / f"{key}.lock").touch()
    return f"{kind}/{key}"


def _timed(label: str, root: Path, *arguments: str) -> None:
    command = [sys.executable, "-c", "from effbench.cli.commands import main; main()", "cache"]
    begin, before = time.perf_counter(), os.times()
    command += [*arguments, "--cache", str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - begin, os.times()
    busy = sum(after[2:4]) - sum(before[2:4])
    print(f"{label}: {seconds:.2f} s, {busy:.2f} s of processors")


if __name__ == "__main__":
    main()
